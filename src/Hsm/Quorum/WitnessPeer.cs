using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using AppChain.Abci;
using AppChain.Hsm.Wire;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// The way to one other signer of the validator: a thread that dials it, asks it one question at a time, and forgets
/// questions that came too late to matter. Rules SIGN-28 and SIGN-32.
/// </summary>
public sealed class WitnessPeer : IDisposable
{
    private const int ReplyBytesMax = 16 * 1024;
    // BOUND: questions waiting for one machine. A consensus round has three, of each chain.
    private const int WaitingMax = 32;
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan IdleCheck = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RedialPause = TimeSpan.FromMilliseconds(250);

    private readonly SocketEndpoint _endpoint;
    private readonly Func<Socket, Stream> _channel;
    private readonly BlockingCollection<Question> _waiting = new(WaitingMax);
    private readonly Dictionary<string, SignState> _seen = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly SignerMetrics _metrics;
    private readonly Thread _thread;
    private Socket? _socket;
    private Question? _pending;
    private bool _hasAnswered;

    /// <summary>Begins to dial.</summary>
    /// <param name="address">Where it listens, tcp://host:port.</param>
    /// <param name="identity">This machine's identity key.</param>
    /// <param name="expected">The other machine's identity, without which its answers count for nothing.</param>
    /// <param name="metrics">Told whether it is connected.</param>
    public WitnessPeer(string address, ISigningKey identity, ByteString expected, SignerMetrics metrics)
    {
        _endpoint = SocketEndpoint.Parse(address);
        ArgumentNullException.ThrowIfNull(expected);
        _channel = SignerChannel.For(_endpoint, identity, expected);
        _metrics = metrics;
        _thread = new Thread(Run) { IsBackground = true, Name = $"witness {_endpoint}" };
        _thread.Start();
    }

    /// <summary>Asks; <paramref name="answered"/> is called once, with null when there is no answer.</summary>
    /// <param name="request">The question. What this machine was told before is added to it.</param>
    /// <param name="answered">Called from another thread, must not throw.</param>
    public void Ask(WitnessRequest request, Action<WitnessReply?> answered)
    {
        Question question = new(request, answered, Environment.TickCount64);
        try
        {
            if (_waiting.TryAdd(question)) return;
        }
        catch (InvalidOperationException)
        {
            // Stopping.
        }
        answered(null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _waiting.CompleteAdding();
        Volatile.Read(ref _socket)?.Dispose();
        _thread.Join();
        AnswerAll();
        _waiting.Dispose();
        _stop.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() => _endpoint.ToString();

    private void Run()
    {
        while (!_stop.IsCancellationRequested)
        {
            _hasAnswered = false;
            try
            {
                using Socket socket = _endpoint.Connect(TimeSpan.Zero, _stop.Token);
                Volatile.Write(ref _socket, socket);
                socket.SendTimeout = (int)AnswerPatience.TotalMilliseconds;
                socket.ReceiveTimeout = (int)AnswerPatience.TotalMilliseconds;
                using Stream stream = _channel(socket);
                Connected(1);
                AskWaiting(socket, stream);
            }
            catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException
                or OperationCanceledException or FormatException)
            {
                // Dialled again.
            }
            Connected(0);
            // A connection that served may have broken long before a question noticed: a fresh one is tried at once.
            if (_hasAnswered && !_stop.IsCancellationRequested) continue;
            AnswerAll();
            if (!_stop.IsCancellationRequested) _stop.Token.WaitHandle.WaitOne(RedialPause);
        }
    }

    private void AskWaiting(Socket socket, Stream stream)
    {
        FrameReader reader = new(stream, ReplyBytesMax);
        FrameWriter writer = new(stream);
        while (true)
        {
            if (_pending is null && !_waiting.TryTake(out _pending, (int)IdleCheck.TotalMilliseconds, _stop.Token))
            {
                // Nothing was asked, so whatever arrives is the end.
                if (socket.Poll(0, SelectMode.SelectRead)) return;
                continue;
            }
            bool isLate = Environment.TickCount64 - _pending.AskedAt > AnswerPatience.TotalMilliseconds;
            WitnessReply? reply = isLate ? null : Ask(reader, writer, _pending.Request);
            Question answered = _pending;
            _pending = null;
            answered.Answered(reply);
        }
    }

    /// <summary>Nobody is there: whoever waits is told, so that the other witness decides.</summary>
    private void AnswerAll()
    {
        _pending?.Answered(null);
        _pending = null;
        while (_waiting.TryTake(out Question? lost)) lost.Answered(null);
    }

    private WitnessReply Ask(FrameReader reader, FrameWriter writer, WitnessRequest request)
    {
        string place = request.ChainId + '/' + Convert.ToHexString(request.ConsensusKey.Span);
        SignState seen = _seen.GetValueOrDefault(place, SignState.Fresh);
        request.Seen = WitnessRules.ToPosition(seen);
        writer.Write(request);
        writer.Flush();
        if (!reader.TryRead(out ReadOnlySpan<byte> frame)) throw new IOException("the witness closed the connection");
        WitnessReply reply = WitnessReply.Parser.Read(frame);
        _hasAnswered = true;
        SignState told = WitnessRules.FromPosition(reply.Position);
        if (told.IsAfter(seen)) _seen[place] = told;
        return reply;
    }

    private void Connected(long value) =>
        _metrics.Set(
            SignerMetrics.Series("appchain_signer_witness_connected", ("witness", _endpoint.ToString())), value);

    private sealed record Question(WitnessRequest Request, Action<WitnessReply?> Answered, long AskedAt);
}
