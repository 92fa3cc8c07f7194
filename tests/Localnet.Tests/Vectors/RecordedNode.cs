using System;
using System.IO;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.Node;
using Google.Protobuf;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>
/// One node of a recorded network: a real CometBFT, the product's application with a tape in front of it, and for a
/// validator the product's signer.
/// </summary>
internal sealed class RecordedNode : IDisposable
{
    private readonly int _number;
    private readonly NetworkFiles _files;
    private readonly VectorScenario _scenario;
    private readonly CometBftNode _engine;
    private readonly RecordedPrices _prices;
    private readonly SoftwareKey? _key;
    private SignState _signed = SignState.Fresh;
    private CancellationTokenSource? _stopSigner;
    private Thread? _signer;
    private Node.Application? _application;
    private TapeRecorder? _recorder;
    private AbciServer? _server;
    private long _executed;

    public RecordedNode(int number, NetworkFiles files, VectorScenario scenario, bool isValidator)
    {
        _number = number;
        _files = files;
        _scenario = scenario;
        _engine = new CometBftNode(CometBftHomes.HomeOf(files, number));
        _prices = new RecordedPrices(number);
        _key = isValidator ? SoftwareKey.FromSeed(files.ConsensusSeed(number)) : null;
    }

    /// <summary>What engine and application said.</summary>
    public Tape Calls { get; } = new();

    /// <summary>What engine and signer said.</summary>
    public Tape Signatures { get; } = new();

    public bool IsRunning { get; private set; }

    /// <summary>The process died at a call, as the scenario wanted.</summary>
    public bool HasDied => _recorder?.IsDead == true;

    public long Height => _application?.Height ?? 0;

    /// <summary>What the engine printed, for a scenario that fails.</summary>
    public string Said => _engine.Said;

    public void Start()
    {
        Calls.Start();
        string data = Path.Combine(_files.HomeOf(_number), "data");
        SnapshotStore? snapshots = _scenario.SnapshotInterval > 0 && _key is not null
            ? new SnapshotStore(
                Path.Combine(_files.HomeOf(_number), "snapshots"), _scenario.SnapshotInterval, 50, NodeLog.Silent)
            : null;
        PriceFeed? feed = _key is null ? null : _prices.Feed();
        _application = new Node.Application(
            new ChainStore(data), feed, checkEveryRow: true, NodeLog.Silent, null, snapshots);
        (IAbciApplication served, _recorder) = TapeRecorder.For(
            _application, Calls, FateAt, (request, answer) => _scenario.Lie(_number, request, answer), _engine.Kill);
        _server = new AbciServer(served, _files.AbciAddress(_number));
        // A killed engine leaves its socket behind, and then cannot listen on it.
        File.Delete(SocketEndpoint.Parse(_files.PrivvalAddress(_number)).UnixPath!);
        StartSigner();
        _engine.Start();
        IsRunning = true;
    }

    /// <summary>Ends the engine at once, then the rest.</summary>
    public void Stop()
    {
        if (!IsRunning) return;
        _engine.Kill();
        _recorder!.Cut();
        StopSigner();
        _server!.Dispose();
        _application!.Dispose();
        IsRunning = false;
    }

    public void StartSigner()
    {
        if (_key is null || _signer is not null) return;
        Signatures.Start();
        _stopSigner = new CancellationTokenSource();
        var signer = new RemoteSigner(
            _files.PrivvalAddress(_number),
            new ConsensusSigner(NetworkFiles.ChainId, _key, _signed, state => _signed = state))
        {
            Answered = (question, answer) =>
            {
                Signatures.Add(TapeKind.Request, question);
                Signatures.Add(TapeKind.Answer, answer);
            },
        };
        _signer = new Thread(() => signer.Run(_stopSigner.Token)) { IsBackground = true, Name = $"signer {_number}" };
        _signer.Start();
    }

    public void StopSigner()
    {
        _stopSigner?.Cancel();
        _signer?.Join();
        _signer = null;
    }

    public void Dispose()
    {
        Stop();
        _engine.Dispose();
        _key?.Dispose();
    }

    private Fate FateAt(IMessage request)
    {
        if (request is RequestExtendVote vote) _prices.Height = vote.Height;
        if (request is RequestFinalizeBlock block) _executed = block.Height;
        return _scenario.FateAt(_number, request, request is RequestCommit ? _executed : HeightOf(request));
    }

    /// <summary>The height that a request names; 0 when it names none.</summary>
    public static long HeightOf(IMessage request) => request switch
    {
        RequestPrepareProposal { Height: long height } => height,
        RequestProcessProposal { Height: long height } => height,
        RequestExtendVote { Height: long height } => height,
        RequestVerifyVoteExtension { Height: long height } => height,
        RequestFinalizeBlock { Height: long height } => height,
        _ => 0,
    };
}
