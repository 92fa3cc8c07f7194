using System;
using System.Collections.Generic;
using System.IO;
using AppChain.Abci.Wire;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>
/// The application's end of one connection: reads requests, dispatches them in order, writes the answers in the same
/// order. Answers leave at each Flush request and whenever no complete request is waiting, so none is ever held back.
/// </summary>
internal sealed class AbciConnection
{
    // BOUND: requests decoded ahead of execution; enough to keep every core busy with signatures.
    private const int RequestsAheadMax = 512;
    private const int BytesAheadMax = 4 * 1024 * 1024;

    private readonly FrameReader _reader;
    private readonly FrameWriter _writer;
    private readonly IAbciApplication _application;
    private readonly Action<Exception> _onFatal;
    private readonly List<Request> _waiting = [];
    private readonly List<RequestCheckTx> _announced = [];
    private MalformedFrameException? _malformed;
    private Exception? _failure;

    public AbciConnection(Stream stream, IAbciApplication application, int frameBytesMax, Action<Exception> onFatal)
    {
        _reader = new FrameReader(stream, frameBytesMax);
        _writer = new FrameWriter(stream);
        _application = application;
        _onFatal = onFatal;
    }

    /// <summary>
    /// Serves until the engine closes the connection, sends something malformed, or the application fails. Malformed
    /// bytes and failures are answered with an exception, flushed before this method ends. Throws
    /// <see cref="IOException"/> when the connection breaks, and <see cref="MalformedFrameException"/>.
    /// </summary>
    public void Run()
    {
        try
        {
            while (true)
            {
                TakeWaiting();
                AnswerWaiting();
                if (_failure is not null) break;
                if (_waiting.Count > 0) continue;
                if (_malformed is not null)
                {
                    _writer.Write(Failure(_malformed));
                    break;
                }
                _writer.Flush();
                if (!TryFill()) break;
            }
            _writer.Flush();
        }
        finally
        {
            if (_failure is not null) _onFatal(_failure);
        }
        if (_malformed is not null) throw _malformed;
    }

    private bool TryFill()
    {
        try
        {
            return _reader.Fill();
        }
        catch (MalformedFrameException error)
        {
            _malformed = error;
            return true;
        }
    }

    /// <summary>
    /// Decodes the requests that have arrived completely. What precedes a malformed one is still answered.
    /// </summary>
    private void TakeWaiting()
    {
        _waiting.Clear();
        int bytes = 0;
        try
        {
            while (_malformed is null && _waiting.Count < RequestsAheadMax && bytes < BytesAheadMax
                && _reader.TryTake(out ReadOnlySpan<byte> frame))
            {
                bytes += frame.Length;
                Request request = Request.Parser.Read(frame);
                if (request.ValueCase == Request.ValueOneofCase.None)
                {
                    throw new MalformedFrameException("the request is of no known kind");
                }
                _waiting.Add(request);
            }
        }
        catch (MalformedMessageException error)
        {
            _malformed = new MalformedFrameException($"the request cannot be decoded: {error.Message}", error);
        }
        catch (MalformedFrameException error)
        {
            _malformed = error;
        }
    }

    private void AnswerWaiting()
    {
        Announce();
        foreach (Request request in _waiting)
        {
            if (_failure is not null) break;
            _writer.Write(Call(request));
            if (request.ValueCase == Request.ValueOneofCase.Flush) _writer.Flush();
        }
    }

    private void Announce()
    {
        _announced.Clear();
        foreach (Request request in _waiting)
        {
            if (request.ValueCase == Request.ValueOneofCase.CheckTx) _announced.Add(request.CheckTx);
        }
        if (_announced.Count < 2) return;
        Guard(() =>
        {
            _application.AnnounceCheckTx(_announced);
            return null;
        });
        if (_failure is not null) _writer.Write(Failure(_failure));
    }

    private Response Call(Request request) =>
        Guard(() => Answer(request)) ?? Failure(_failure ??= NoAnswer(request));

    private static InvalidOperationException NoAnswer(Request request) =>
        new($"the application gave no answer to {request.ValueCase}");

    /// <summary>Runs the application. Whatever it throws means that it cannot go on.</summary>
    private Response? Guard(Func<Response?> call)
    {
        try
        {
            return call();
        }
        catch (Exception error)
        {
            _failure = error;
            return null;
        }
    }

    private Response? Answer(Request request) => request.ValueCase switch
    {
        Request.ValueOneofCase.Echo => new Response { Echo = new ResponseEcho { Message = request.Echo.Message } },
        Request.ValueOneofCase.Flush => new Response { Flush = new ResponseFlush() },
        Request.ValueOneofCase.Info => new Response { Info = _application.Info(request.Info) },
        Request.ValueOneofCase.InitChain => new Response { InitChain = _application.InitChain(request.InitChain) },
        Request.ValueOneofCase.Query => new Response { Query = _application.Query(request.Query) },
        Request.ValueOneofCase.CheckTx => new Response { CheckTx = _application.CheckTx(request.CheckTx) },
        Request.ValueOneofCase.Commit => new Response { Commit = _application.Commit(request.Commit) },
        Request.ValueOneofCase.ListSnapshots =>
            new Response { ListSnapshots = _application.ListSnapshots(request.ListSnapshots) },
        Request.ValueOneofCase.OfferSnapshot =>
            new Response { OfferSnapshot = _application.OfferSnapshot(request.OfferSnapshot) },
        Request.ValueOneofCase.LoadSnapshotChunk =>
            new Response { LoadSnapshotChunk = _application.LoadSnapshotChunk(request.LoadSnapshotChunk) },
        Request.ValueOneofCase.ApplySnapshotChunk =>
            new Response { ApplySnapshotChunk = _application.ApplySnapshotChunk(request.ApplySnapshotChunk) },
        Request.ValueOneofCase.PrepareProposal =>
            new Response { PrepareProposal = _application.PrepareProposal(request.PrepareProposal) },
        Request.ValueOneofCase.ProcessProposal =>
            new Response { ProcessProposal = _application.ProcessProposal(request.ProcessProposal) },
        Request.ValueOneofCase.ExtendVote => new Response { ExtendVote = _application.ExtendVote(request.ExtendVote) },
        Request.ValueOneofCase.VerifyVoteExtension =>
            new Response { VerifyVoteExtension = _application.VerifyVoteExtension(request.VerifyVoteExtension) },
        Request.ValueOneofCase.FinalizeBlock =>
            new Response { FinalizeBlock = _application.FinalizeBlock(request.FinalizeBlock) },
        Request.ValueOneofCase.None => null,
    };

    private static Response Failure(Exception error) =>
        new() { Exception = new ResponseException { Error = error.Message } };
}
