using System;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Privval;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// The signer process: dials its node, again and again for ever, and answers its questions one at a time. Rules SIGN-13
/// to SIGN-16.
/// </summary>
public sealed class RemoteSigner
{
    /// <summary>Nodes of the 0.38 and 0.39 lines read no more than this.</summary>
    public const int AnswerBytesMax = 10_240;

    // BOUND: a vote with the largest extension a node can gossip.
    private const int QuestionBytesMax = 2 * 1024 * 1024;
    // BOUND: a refusal stays far below what the node reads.
    private const int RefusalLengthMax = 500;
    // BOUND: a node pings after 3.3 s in which it had nothing to ask. Over TCP longer silence means that it is lost.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(20);
    // BOUND: a node gives up after 5 s and then waits for a new connection; told in time, it goes on without this vote.
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(4.5);
    private static readonly TimeSpan RedialPause = TimeSpan.FromMilliseconds(250);
    // BOUND: milliseconds between two lines about refusals, which an engine may have as many of as it likes.
    private const int RefusalPause = 1_000;

    private readonly SocketEndpoint _node;
    private readonly ConsensusSigner _signer;
    private readonly Action<string> _log;
    private readonly Func<Socket, Stream> _channel;

    // After an answer that another signer of the validator might have given better.
    private volatile bool _leavesEngine;
    private long _nextRefusal;

    /// <summary>Prepares to serve one node.</summary>
    /// <param name="address">The node's <c>priv_validator_laddr</c>.</param>
    /// <param name="signer">The guarded key.</param>
    /// <param name="log">One line for every change of the connection and every refusal.</param>
    /// <param name="identity">This side's identity over TCP; null to draw one. Never the consensus key.</param>
    /// <param name="node">The identity the node must prove over TCP. CometBFT draws a new one at every start, so for it
    /// leave this null.</param>
    public RemoteSigner(
        string address, ConsensusSigner signer, Action<string>? log = null, ISigningKey? identity = null,
        ByteString? node = null)
    {
        _node = SocketEndpoint.Parse(address);
        _signer = signer;
        _log = log ?? (static _ => { });
        _channel = SignerChannel.For(_node, identity, node);
    }

    /// <summary>Told of every question and its answer before the answer leaves.</summary>
    public Action<Message, Message>? Answered { get; init; }

    /// <summary>Serves until <paramref name="stop"/>. A lost connection is normal and dialled again.</summary>
    public void Run(CancellationToken stop)
    {
        string lastLine = "";
        bool handedOver = false;
        while (!stop.IsCancellationRequested)
        {
            string line;
            try
            {
                if (handedOver) _signer.ProbeKey();
                handedOver = false;
                using Socket socket = _node.Connect(TimeSpan.Zero, stop);
                _log($"signer: connected to {_node}");
                Connected(1);
                Serve(socket, stop);
                line = $"signer: {_node} closed the connection";
            }
            catch (HandedOverException error)
            {
                handedOver = true;
                line = $"signer: left {_node} to the other signers: {error.Message}";
            }
            catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException
                or OperationCanceledException)
            {
                line = $"signer: {error.Message}";
            }
            finally
            {
                Connected(0);
            }
            if (stop.IsCancellationRequested) return;
            if (line != lastLine) _log(line);
            lastLine = line;
            stop.WaitHandle.WaitOne(RedialPause);
        }
    }

    /// <summary>
    /// The answer to a question; null for what is none. A signer alone answers whatever fails with an error; one that
    /// has others throws when its key fails, and they are asked.
    /// </summary>
    /// <exception cref="KeyFailedException">The key of a signer with others.</exception>
    public Message? Answer(Message question)
    {
        ArgumentNullException.ThrowIfNull(question);
        try
        {
            return question.SumCase switch
            {
                Message.SumOneofCase.PingRequest => new Message { PingResponse = new PingResponse() },
                Message.SumOneofCase.PubKeyRequest => Answer(question.PubKeyRequest),
                Message.SumOneofCase.SignVoteRequest => Answer(question.SignVoteRequest),
                Message.SumOneofCase.SignProposalRequest => Answer(question.SignProposalRequest),
                _ => null,
            };
        }
        catch (Exception error) when (!_signer.HasOthers || error is not KeyFailedException)
        {
            // A refusal, or a key or disk that fails: the node learns it and this process lives on.
            TellRefusal($"signer: refused {question.SumCase}: {error.Message}");
            _leavesEngine = _signer.HasOthers && error is IOException;
            return Refusal(question.SumCase, error.Message);
        }
    }

    /// <summary>
    /// The answer to a question in the time a node waits. When a device takes longer, the node is told so and goes on;
    /// the signature, once made, answers the same question if it is asked again.
    /// </summary>
    private Message? AnswerInTime(Message question)
    {
        if (question.SumCase is not (Message.SumOneofCase.SignVoteRequest or Message.SumOneofCase.SignProposalRequest))
        {
            return Answer(question);
        }
        Task<Message?> answer = Task.Factory.StartNew(
            () => Answer(question), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        const string slow = "the key's device has not answered in time";
        try
        {
            if (answer.Wait(AnswerPatience)) return answer.Result;
        }
        catch (AggregateException failure) when (failure.InnerException is { } cause)
        {
            throw new HandedOverException(cause.Message);
        }
        if (_signer.HasOthers) throw new HandedOverException(slow);
        _log($"signer: {slow}");
        return Refusal(question.SumCase, slow);
    }

    /// <summary>This signer cannot answer now and another one of the validator may. Rule SIGN-39.</summary>
    private sealed class HandedOverException(string message) : IOException(message);

    private void Connected(long value) => _signer.Notes.Metrics.Set(SignerMetrics.Series(
        "appchain_signer_connected", ("chain", _signer.ChainId), ("engine", _node.ToString())), value);

    private void Serve(Socket socket, CancellationToken stop)
    {
        using CancellationTokenRegistration registration = stop.Register(socket.Dispose);
        using Stream stream = _channel(socket);
        _leavesEngine = false;
        if (_node.UnixPath is null)
        {
            socket.ReceiveTimeout = (int)SilenceMax.TotalMilliseconds;
            socket.SendTimeout = (int)SilenceMax.TotalMilliseconds;
        }
        FrameReader reader = new(stream, QuestionBytesMax);
        FrameWriter writer = new(stream);
        while (reader.TryRead(out ReadOnlySpan<byte> frame))
        {
            Message question = Message.Parser.Read(frame);
            Message? answer = AnswerInTime(question);
            if (answer is null) throw new MalformedFrameException("the node asked something unknown");
            Answered?.Invoke(question, answer);
            writer.Write(answer);
            writer.Flush();
            if (_leavesEngine) throw new HandedOverException("another signer may have what this one lacks");
        }
    }

    private void TellRefusal(string line)
    {
        long now = Environment.TickCount64;
        if (now < _nextRefusal) return;
        _nextRefusal = now + RefusalPause;
        _log(line);
    }

    private Message Answer(PubKeyRequest request)
    {
        RequireChain(request.ChainId);
        return new Message { PubKeyResponse = new PubKeyResponse { PubKey = _signer.PublicKey() } };
    }

    private Message Answer(SignVoteRequest request)
    {
        RequireChain(request.ChainId);
        Vote vote = _signer.SignVote(request.Vote ?? throw new SigningRefusedException("the request holds no vote"));
        Message answer = Echo(vote);
        if (answer.CalculateSize() < AnswerBytesMax - Frame.PrefixBytesMax) return answer;
        // The node takes only signatures and time from the answer, so a long extension need not travel back.
        vote.Extension = ByteString.Empty;
        return Echo(vote);
    }

    private static Message Echo(Vote vote) =>
        new() { SignedVoteResponse = new SignedVoteResponse { Vote = WireForm.Completed(vote) } };

    private Message Answer(SignProposalRequest request)
    {
        RequireChain(request.ChainId);
        Proposal proposal = _signer.SignProposal(
            request.Proposal ?? throw new SigningRefusedException("the request holds no proposal"));
        return new Message
        {
            SignedProposalResponse = new SignedProposalResponse { Proposal = WireForm.Completed(proposal) },
        };
    }

    private void RequireChain(string chainId)
    {
        if (chainId != _signer.ChainId)
        {
            _signer.Notes.Write(new AuditEntry("refused", 0, 0, SignStep.None, "", "a request for another chain"));
            throw new SigningRefusedException($"this key signs for chain '{_signer.ChainId}', not '{chainId}'");
        }
    }

    private static Message? Refusal(Message.SumOneofCase question, string reason)
    {
        int length = Math.Min(reason.Length, RefusalLengthMax);
        if (length > 0 && char.IsHighSurrogate(reason[length - 1])) length--;
        RemoteSignerError error = new() { Description = reason[..length] };
        return question switch
        {
            Message.SumOneofCase.PubKeyRequest => new Message
            {
                PubKeyResponse = new PubKeyResponse { PubKey = new PublicKey(), Error = error },
            },
            Message.SumOneofCase.SignVoteRequest => new Message
            {
                SignedVoteResponse = new SignedVoteResponse { Vote = WireForm.Completed(new Vote()), Error = error },
            },
            Message.SumOneofCase.SignProposalRequest => new Message
            {
                SignedProposalResponse = new SignedProposalResponse
                {
                    Proposal = WireForm.Completed(new Proposal()),
                    Error = error,
                },
            },
            _ => null,
        };
    }
}
