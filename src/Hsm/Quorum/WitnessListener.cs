using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using AppChain.Abci;
using AppChain.Hsm.Wire;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// Answers the other signers of the validator, each over its own secret connection with a known identity, one thread
/// each. Rules SIGN-29, SIGN-30 and SIGN-32.
/// </summary>
public sealed class WitnessListener : IDisposable
{
    private const int RequestBytesMax = 16 * 1024;
    // BOUND: connections of the two others at once; each needs one, and one more while it dials again.
    private const int ServedMax = 16;
    // BOUND: connections that have not proven who they are. One of the others does so in milliseconds.
    private const int StrangersMax = 64;
    // BOUND: milliseconds between two lines about strangers, who may come as often as they like.
    private const int LinePause = 1_000;
    private static readonly TimeSpan HandshakePatience = TimeSpan.FromSeconds(2);

    private readonly Socket _listener;
    private readonly SocketEndpoint _endpoint;
    private readonly ISigningKey _identity;
    private readonly IReadOnlyList<ByteString> _known;
    private readonly IReadOnlyList<WitnessedKey> _keys;
    private readonly Action<string> _log;
    private readonly object _lock = new();
    private readonly LinkedList<Socket> _strangers = [];
    private readonly HashSet<Socket> _served = [];
    private long _nextLine;
    private volatile bool _stopped;

    /// <summary>Begins to listen.</summary>
    /// <param name="address">tcp://host:port.</param>
    /// <param name="identity">This machine's identity key.</param>
    /// <param name="known">Identities of the two others; nobody else is answered.</param>
    /// <param name="keys">What to witness.</param>
    /// <param name="log">One line for a stranger, at most one a second.</param>
    /// <exception cref="IOException">The address cannot be used.</exception>
    public WitnessListener(
        string address, ISigningKey identity, IReadOnlyList<ByteString> known, IReadOnlyList<WitnessedKey> keys,
        Action<string> log)
    {
        _endpoint = SocketEndpoint.Parse(address);
        _identity = identity;
        _known = known;
        _keys = keys;
        _log = log;
        _listener = _endpoint.Listen();
        Start(Accept, "witness listener");
    }

    /// <summary>Where the others dial, with the port the system chose for port 0.</summary>
    public string Address => _endpoint.BoundAddress(_listener);

    /// <summary>The answer to a request.</summary>
    public WitnessReply Answer(WitnessRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        WitnessedKey? found = _keys.FirstOrDefault(
            key => key.ChainId == request.ChainId && key.PublicKey == request.ConsensusKey);
        if (found is null)
        {
            string chains = string.Join(", ", _keys.Select(key => $"'{key.ChainId}'"));
            return new WitnessReply { Refusal = $"this machine has no such key; it signs for {chains}" };
        }
        WitnessReply reply = WitnessRules.Answer(found.Guard, request);
        if (request.Record is { } asked)
        {
            found.Notes.Write(new AuditEntry(reply.Recorded ? "witnessed" : "refused", asked.Height, asked.Round,
                (SignStep)(byte)Math.Clamp(asked.Step, 0, (int)SignStep.Precommit), "", reply.Refusal));
        }
        return reply;
    }

    /// <summary>Ends every connection.</summary>
    public void Dispose()
    {
        _stopped = true;
        _listener.Dispose();
        lock (_lock)
        {
            foreach (Socket socket in _strangers) socket.Dispose();
            foreach (Socket socket in _served) socket.Dispose();
        }
    }

    private void Accept()
    {
        while (!_stopped)
        {
            try
            {
                Socket socket = _listener.Accept();
                lock (_lock)
                {
                    if (_stopped)
                    {
                        socket.Dispose();
                        continue;
                    }
                    // The oldest has had its time: whoever never says who it is keeps nobody out who can.
                    if (_strangers.Count == StrangersMax)
                    {
                        _strangers.First!.Value.Dispose();
                        _strangers.RemoveFirst();
                    }
                    _strangers.AddLast(socket);
                }
                Start(() => Serve(socket), "witness");
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // A connection that was gone before it was taken, or the end.
            }
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            socket.SendTimeout = (int)HandshakePatience.TotalMilliseconds;
            socket.ReceiveTimeout = (int)HandshakePatience.TotalMilliseconds;
            using SecretConnection stream = SignerChannel.Open(socket, _identity);
            if (!_known.Contains(stream.RemoteIdentity))
            {
                Tell(stream.RemoteIdentity);
                return;
            }
            if (!TryAdmit(socket)) return;
            socket.ReceiveTimeout = 0;
            FrameReader reader = new(stream, RequestBytesMax);
            FrameWriter writer = new(stream);
            while (reader.TryRead(out ReadOnlySpan<byte> frame))
            {
                writer.Write(Answer(WitnessRequest.Parser.Read(frame)));
                writer.Flush();
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            // The other machine went away, does not keep to the protocol, or this disk is full: it asks again.
        }
        finally
        {
            lock (_lock)
            {
                _strangers.Remove(socket);
                _served.Remove(socket);
            }
            socket.Dispose();
        }
    }

    private void Tell(ByteString stranger)
    {
        long now = Environment.TickCount64;
        lock (_lock)
        {
            if (now < _nextLine) return;
            _nextLine = now + LinePause;
        }
        _log($"signer: refused a witness connection of {Convert.ToHexStringLower(stranger.Span)}");
    }

    private bool TryAdmit(Socket socket)
    {
        lock (_lock)
        {
            return _strangers.Remove(socket) && _served.Count < ServedMax && _served.Add(socket);
        }
    }

    private static void Start(Action action, string name) =>
        new Thread(() => action()) { IsBackground = true, Name = name }.Start();
}

/// <summary>A key that this machine shares with the other signers of the validator.</summary>
/// <param name="ChainId">Its chain.</param>
/// <param name="PublicKey">32 bytes.</param>
/// <param name="Guard">Records for this machine.</param>
/// <param name="Notes">Told of what was recorded or refused.</param>
public sealed record WitnessedKey(string ChainId, ByteString PublicKey, SignGuard Guard, SigningNotes Notes);
