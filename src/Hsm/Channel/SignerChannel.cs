using System;
using System.IO;
using System.Net.Sockets;
using AppChain.Abci;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>How bytes travel between a node and its signer, or between signers. Rule SIGN-18.</summary>
internal static class SignerChannel
{
    private static readonly TimeSpan ProbeAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(2);
    private const int ProbesMax = 3;

    /// <summary>
    /// The socket itself where file permissions protect it (unix sockets), a secret connection over it otherwise.
    /// </summary>
    /// <param name="address">What the socket is connected to.</param>
    /// <param name="identity">This side's identity for secret connections; null to draw one for this process.</param>
    /// <param name="expected">The identity the other side must prove over TCP; null to take any.</param>
    public static Func<Socket, Stream> For(SocketEndpoint address, ISigningKey? identity, ByteString? expected)
    {
        if (address.UnixPath is not null) return static socket => new NetworkStream(socket);
        ISigningKey ours = identity ?? DrawIdentity();
        return socket => Open(socket, ours, expected);
    }

    /// <summary>A secret connection over a connected TCP socket.</summary>
    /// <exception cref="IOException">As for <see cref="SecretConnection.Handshake(Stream, ISigningKey,
    /// ByteString)"/>.</exception>
    public static SecretConnection Open(Socket socket, ISigningKey identity, ByteString? expected = null)
    {
        NoticeLostMachine(socket);
        return SecretConnection.Handshake(new NetworkStream(socket), identity, expected);
    }

    /// <summary>A machine that is gone answers no probe; without them a wait for its bytes would never end.</summary>
    private static void NoticeLostMachine(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(
            SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)ProbeAfter.TotalSeconds);
        socket.SetSocketOption(
            SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)ProbeInterval.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, ProbesMax);
    }

    private static SoftwareKey DrawIdentity()
    {
        Span<byte> seed = stackalloc byte[Sodium.SeedSize];
        Sodium.FillRandom(seed);
        return SoftwareKey.FromSeed(seed);
    }
}
