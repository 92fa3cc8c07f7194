using System;
using System.Diagnostics;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Privval;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// The node's side of the signer protocol: listens, takes the signer's connection, and asks one question at a time. A
/// broken connection is dropped and the question asked again over the next one, which is safe because the signer's
/// guard answers the same question with the same signature. Rule SIGN-17.
/// </summary>
public sealed class SignerListener : IVoteSigner, IDisposable
{
    private const int AnswerBytesMax = 2 * 1024 * 1024;

    private readonly SocketEndpoint _endpoint;
    private readonly string _chainId;
    private readonly TimeSpan _patience;
    private readonly Func<Socket, Stream> _channel;
    private readonly Socket _listener;
    private readonly Lock _lock = new();
    private volatile Connection? _connection;
    private volatile bool _stopped;

    /// <summary>Listens for the signer of one chain.</summary>
    /// <param name="address">Where the signer dials.</param>
    /// <param name="chainId">Sent with every question.</param>
    /// <param name="patience">How long one question may take, waiting for a signer to dial included.</param>
    /// <param name="identity">This side's identity over TCP; null to draw one.</param>
    /// <param name="signer">The identity the signer must prove over TCP; null to take any.</param>
    /// <exception cref="IOException">The address cannot be used.</exception>
    public SignerListener(
        string address, string chainId, TimeSpan patience, ISigningKey? identity = null, ByteString? signer = null)
    {
        _endpoint = SocketEndpoint.Parse(address);
        _chainId = chainId;
        _patience = patience;
        _channel = SignerChannel.For(_endpoint, identity, signer);
        _listener = _endpoint.Listen();
    }

    /// <summary>Where the signer dials, with the port the system chose for port 0.</summary>
    public string Address => _endpoint.BoundAddress(_listener);

    /// <summary>Asks whether the signer is there. A node does so when it has asked nothing for some seconds.</summary>
    /// <exception cref="IOException">It is not.</exception>
    public void Ping() =>
        Ask(new Message { PingRequest = new PingRequest() }, Message.SumOneofCase.PingResponse);

    /// <inheritdoc/>
    public PublicKey PublicKey()
    {
        Message question = new() { PubKeyRequest = new PubKeyRequest { ChainId = _chainId } };
        PubKeyResponse answer = Ask(question, Message.SumOneofCase.PubKeyResponse).PubKeyResponse;
        RequireNoError(answer.Error);
        return answer.PubKey ?? throw new IOException("the signer answered without a key");
    }

    /// <inheritdoc/>
    public Vote SignVote(Vote vote)
    {
        Message question = new()
        {
            SignVoteRequest = new SignVoteRequest { Vote = WireForm.Completed(vote), ChainId = _chainId },
        };
        SignedVoteResponse answer = Ask(question, Message.SumOneofCase.SignedVoteResponse).SignedVoteResponse;
        RequireNoError(answer.Error);
        Vote made = answer.Vote ?? throw new IOException("the signer answered without a vote");
        Vote signed = vote.Clone();
        signed.Signature = made.Signature;
        signed.ExtensionSignature = made.ExtensionSignature;
        signed.Timestamp = made.Timestamp ?? WireTime.Zero;
        return signed;
    }

    /// <inheritdoc/>
    public Proposal SignProposal(Proposal proposal)
    {
        Message question = new()
        {
            SignProposalRequest = new SignProposalRequest
            {
                Proposal = WireForm.Completed(proposal),
                ChainId = _chainId,
            },
        };
        SignedProposalResponse answer =
            Ask(question, Message.SumOneofCase.SignedProposalResponse).SignedProposalResponse;
        RequireNoError(answer.Error);
        // A node takes the signature alone: a proposal signed with an older time is then simply invalid to its peers.
        Proposal signed = proposal.Clone();
        signed.Signature = answer.Proposal?.Signature ?? ByteString.Empty;
        return signed;
    }

    /// <summary>Stops listening, ends the connection and removes the socket file.</summary>
    public void Dispose()
    {
        if (_stopped) return;
        _stopped = true;
        _listener.Dispose();
        // Ends a question that is being waited for; the lock is free after that.
        _connection?.Dispose();
        lock (_lock) Drop();
        if (_endpoint.UnixPath is { } path) File.Delete(path);
    }

    private Message Ask(Message question, Message.SumOneofCase expected)
    {
        lock (_lock)
        {
            long start = Stopwatch.GetTimestamp();
            while (true)
            {
                try
                {
                    _connection ??= Accept(start);
                    return _connection.Ask(question, expected, Left(start));
                }
                catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
                {
                    Drop();
                    if (_stopped || Left(start) <= TimeSpan.Zero)
                    {
                        throw new IOException($"no answer from the signer on {_endpoint}: {error.Message}", error);
                    }
                }
            }
        }
    }

    private Connection Accept(long start)
    {
        // Waits in short steps, because disposing of the listener does not end a poll.
        TimeSpan step = TimeSpan.FromMilliseconds(20);
        while (!_listener.Poll(step, SelectMode.SelectRead))
        {
            if (Left(start) <= TimeSpan.Zero) throw new IOException("no signer has connected");
        }
        Socket socket = _listener.Accept();
        try
        {
            // BOUND: whoever connects and stays silent holds the node no longer than a question may take.
            socket.SendTimeout = Milliseconds(Left(start));
            socket.ReceiveTimeout = socket.SendTimeout;
            return new Connection(socket, _channel(socket));
        }
        catch (Exception)
        {
            socket.Dispose();
            throw;
        }
    }

    private static int Milliseconds(TimeSpan patience) =>
        Math.Max(1, (int)Math.Min(int.MaxValue, patience.TotalMilliseconds));

    private TimeSpan Left(long start) => _patience - Stopwatch.GetElapsedTime(start);

    private void Drop()
    {
        _connection?.Dispose();
        _connection = null;
    }

    private static void RequireNoError(RemoteSignerError? error)
    {
        if (error is not null) throw new SigningRefusedException($"the signer refused: {error.Description}");
    }

    private sealed class Connection(Socket socket, Stream stream) : IDisposable
    {
        private readonly FrameReader _reader = new(stream, AnswerBytesMax);
        private readonly FrameWriter _writer = new(stream);

        public Message Ask(Message question, Message.SumOneofCase expected, TimeSpan patience)
        {
            socket.SendTimeout = Milliseconds(patience);
            socket.ReceiveTimeout = Milliseconds(patience);
            _writer.Write(question);
            _writer.Flush();
            bool hasAnswer = _reader.TryRead(out ReadOnlySpan<byte> frame);
            if (!hasAnswer) throw new IOException("the signer closed the connection");
            Message answer = Message.Parser.Read(frame);
            return answer.SumCase == expected
                ? answer
                : throw new IOException($"the signer answered {answer.SumCase} instead of {expected}");
        }

        public void Dispose()
        {
            stream.Dispose();
            socket.Dispose();
        }
    }
}
