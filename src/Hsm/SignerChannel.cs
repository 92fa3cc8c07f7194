using System;
using System.IO;
using System.Net.Sockets;
using AppChain.Abci;

namespace AppChain.Hsm;

/// <summary>How bytes travel between a node and its signer. Rule SIGN-18.</summary>
internal static class SignerChannel
{
    /// <summary>
    /// The socket itself. File permissions protect a unix socket; over TCP anyone in between could ask for signatures,
    /// so an encrypting channel must be given there.
    /// </summary>
    /// <exception cref="NotSupportedException">The address is not a unix socket.</exception>
    public static Func<Socket, Stream> Plain(SocketEndpoint address) => address.UnixPath is not null
        ? static socket => new NetworkStream(socket)
        : throw new NotSupportedException(
            $"{address}: signing over TCP needs an encrypted channel; use a unix:// address");
}
