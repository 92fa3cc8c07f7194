using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using Google.Protobuf;
using Case = AppChain.Abci.Wire.Response.ValueOneofCase;

namespace AppChain.Abci;

/// <summary>
/// The engine's end of one ABCI connection. Being an <see cref="IAbciApplication"/> itself, it can be put wherever an
/// application in the same process could be.
/// </summary>
/// <remarks>
/// Calls may come from several threads; requests leave in the order in which they came and the n-th answer belongs to
/// the n-th request. Any failure ends the connection: the call that met it, all outstanding ones and every later one
/// throw <see cref="AbciException"/>. There is no reconnecting, because the engine must shake hands anew after it.
/// </remarks>
public sealed class AbciClient : IAbciApplication, IDisposable
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly FrameReader _reader;
    private readonly FrameWriter _writer;
    private readonly Thread _receiver;
    private readonly Lock _sending = new();
    private readonly Lock _waiting = new();
    private readonly Queue<Call> _calls = [];
    private AbciException? _failure;

    private AbciClient(Socket socket, string address, int frameBytesMax)
    {
        _socket = socket;
        _stream = new NetworkStream(socket);
        _reader = new FrameReader(_stream, frameBytesMax);
        _writer = new FrameWriter(_stream);
        _receiver = new Thread(Receive) { IsBackground = true, Name = $"abci client {address}" };
        _receiver.Start();
    }

    /// <summary>Dials an application, which may start within <paramref name="patience"/>.</summary>
    /// <exception cref="IOException">Nobody listens there.</exception>
    public static AbciClient Connect(
        string address,
        TimeSpan patience,
        int frameBytesMax = Frame.DefaultBytesMax,
        CancellationToken stop = default) =>
        new(SocketEndpoint.Parse(address).Connect(patience, stop), address, frameBytesMax);

    /// <summary>Gives back the text.</summary>
    public string Echo(string message) =>
        Now(new Request { Echo = new RequestEcho { Message = message } }, Case.Echo).Echo.Message;

    /// <summary>Waits until everything sent so far is answered.</summary>
    public void Flush() => Later(new Request { Flush = new RequestFlush() }, Case.Flush, push: true).Wait();

    /// <summary>
    /// Queues a CheckTx and returns at once. The request leaves with the next synchronous call or
    /// <see cref="FlushQueued"/> at the latest.
    /// </summary>
    public Task<ResponseCheckTx> CheckTxQueued(RequestCheckTx request)
    {
        Call call = Later(new Request { CheckTx = request }, Case.CheckTx, push: false);
        return call.Answer.ContinueWith(
            static answer => answer.GetAwaiter().GetResult().CheckTx,
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Sends what is queued, with a Flush behind it, and does not wait.</summary>
    public void FlushQueued() => Later(new Request { Flush = new RequestFlush() }, Case.Flush, push: true);

    /// <inheritdoc/>
    public ResponseInfo Info(RequestInfo request) => Now(new Request { Info = request }, Case.Info).Info;

    /// <inheritdoc/>
    public ResponseInitChain InitChain(RequestInitChain request) =>
        Now(new Request { InitChain = request }, Case.InitChain).InitChain;

    /// <inheritdoc/>
    public ResponseQuery Query(RequestQuery request) => Now(new Request { Query = request }, Case.Query).Query;

    /// <inheritdoc/>
    public ResponseCheckTx CheckTx(RequestCheckTx request) =>
        Now(new Request { CheckTx = request }, Case.CheckTx).CheckTx;

    /// <inheritdoc/>
    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) =>
        Now(new Request { PrepareProposal = request }, Case.PrepareProposal).PrepareProposal;

    /// <inheritdoc/>
    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) =>
        Now(new Request { ProcessProposal = request }, Case.ProcessProposal).ProcessProposal;

    /// <inheritdoc/>
    public ResponseExtendVote ExtendVote(RequestExtendVote request) =>
        Now(new Request { ExtendVote = request }, Case.ExtendVote).ExtendVote;

    /// <inheritdoc/>
    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
        Now(new Request { VerifyVoteExtension = request }, Case.VerifyVoteExtension).VerifyVoteExtension;

    /// <inheritdoc/>
    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request) =>
        Now(new Request { FinalizeBlock = request }, Case.FinalizeBlock).FinalizeBlock;

    /// <inheritdoc/>
    public ResponseCommit Commit(RequestCommit request) => Now(new Request { Commit = request }, Case.Commit).Commit;

    /// <inheritdoc/>
    public ResponseListSnapshots ListSnapshots(RequestListSnapshots request) =>
        Now(new Request { ListSnapshots = request }, Case.ListSnapshots).ListSnapshots;

    /// <inheritdoc/>
    public ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request) =>
        Now(new Request { OfferSnapshot = request }, Case.OfferSnapshot).OfferSnapshot;

    /// <inheritdoc/>
    public ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request) =>
        Now(new Request { LoadSnapshotChunk = request }, Case.LoadSnapshotChunk).LoadSnapshotChunk;

    /// <inheritdoc/>
    public ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request) =>
        Now(new Request { ApplySnapshotChunk = request }, Case.ApplySnapshotChunk).ApplySnapshotChunk;

    /// <summary>Closes the connection; outstanding calls fail.</summary>
    public void Dispose()
    {
        Fail(new AbciException("the connection was closed here"));
        if (_receiver != Thread.CurrentThread) _receiver.Join();
        _stream.Dispose();
    }

    /// <summary>A request, a Flush behind it, and the wait for both answers: the engine's synchronous call.</summary>
    private Response Now(Request request, Case expected)
    {
        Call call;
        Call flush;
        lock (_sending)
        {
            call = Later(request, expected, push: false);
            flush = Later(new Request { Flush = new RequestFlush() }, Case.Flush, push: true);
        }
        Response response = call.Wait();
        flush.Wait();
        return response;
    }

    private Call Later(Request request, Case expected, bool push)
    {
        Call call = new(expected);
        lock (_sending)
        {
            lock (_waiting)
            {
                if (_failure is not null)
                {
                    call.Fail(_failure);
                    return call;
                }
                _calls.Enqueue(call);
            }
            try
            {
                _writer.Write(request);
                if (push) _writer.Flush();
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                Fail(new AbciException($"the application is gone: {error.Message}", error));
            }
        }
        return call;
    }

    private void Receive()
    {
        try
        {
            while (_reader.TryRead(out ReadOnlySpan<byte> frame)) Complete(Response.Parser.Read(frame));
            Fail(new AbciException("the application closed the connection"));
        }
        catch (MalformedMessageException error)
        {
            Fail(new AbciException($"the application's answer cannot be decoded: {error.Message}", error));
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            Fail(new AbciException($"the connection to the application broke: {error.Message}", error));
        }
        catch (AbciException error)
        {
            Fail(error);
        }
    }

    private void Complete(Response response)
    {
        if (response.ValueCase == Case.Exception)
        {
            throw new AbciException($"the application failed: {response.Exception.Error}");
        }
        Call call;
        lock (_waiting)
        {
            if (!_calls.TryPeek(out Call? first))
            {
                throw new AbciException($"the application answered {response.ValueCase} unasked");
            }
            if (first.Expected != response.ValueCase)
            {
                throw new AbciException($"the application answered {response.ValueCase} instead of {first.Expected}");
            }
            call = _calls.Dequeue();
        }
        call.Complete(response);
    }

    private void Fail(AbciException failure)
    {
        List<Call> failed = [];
        lock (_waiting)
        {
            _failure ??= failure;
            failed.AddRange(_calls);
            _calls.Clear();
        }
        foreach (Call call in failed) call.Fail(_failure);
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Already down.
        }
        _socket.Close();
    }

    private sealed class Call(Case expected)
    {
        private readonly TaskCompletionSource<Response> _answer =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Case Expected { get; } = expected;

        public Task<Response> Answer => _answer.Task;

        public void Complete(Response response) => _answer.SetResult(response);

        public void Fail(AbciException failure) => _answer.SetException(new AbciException(failure.Message, failure));

        public Response Wait() => _answer.Task.GetAwaiter().GetResult();
    }
}

/// <summary>The conversation with an application has ended, and why.</summary>
public sealed class AbciException : Exception
{
    /// <summary>With the reason.</summary>
    public AbciException(string message) : base(message)
    {
    }

    /// <summary>With the reason and the error behind it.</summary>
    public AbciException(string message, Exception cause) : base(message, cause)
    {
    }
}
