using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Applications behind real ABCI sockets and signers that really dial, in this process; the network under test joins
/// them.
/// </summary>
public sealed class RealTimeNetwork : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"engine-{Guid.NewGuid():N}"[..20]);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Thread> _signers = [];
    private readonly AbciServer[] _servers;

    public RealTimeNetwork(int validators = 4)
    {
        Directory.CreateDirectory(_folder);
        Keys = [.. Enumerable.Range(1, validators)
            .Select(i => SoftwareKey.FromSeed(Enumerable.Repeat((byte)i, 32).ToArray()))];
        Applications = [.. Enumerable.Range(0, validators).Select(i => new RecorderApplication($"{i}"))];
        _servers = new AbciServer[validators];
        for (int i = 0; i < validators; i++)
        {
            StartApplication(i);
            StartSigner(i);
        }
        Options = new EmbeddedNetworkOptions
        {
            Genesis = TestNetwork.GenesisJson(Keys.Select(key => key.PublicKey)),
            Validators = [.. Enumerable.Range(0, validators).Select(i => new EmbeddedValidatorOptions
            {
                Home = Path.Combine(_folder, $"node{i}"),
                AbciAddress = AbciAddress(i),
                PrivvalAddress = PrivvalAddress(i),
            })],
            Timeouts = new ConsensusTimeouts { Commit = TimeSpan.FromMilliseconds(20) },
        };
    }

    public SoftwareKey[] Keys { get; }
    public RecorderApplication[] Applications { get; }
    public EmbeddedNetworkOptions Options { get; set; }

    public void StopApplication(int index) => _servers[index].Dispose();

    public void StartApplication(int index)
    {
        Applications[index].Restart();
        _servers[index] = new AbciServer(new Adapter(Applications[index]), AbciAddress(index));
    }

    public void Dispose()
    {
        _stop.Cancel();
        foreach (Thread signer in _signers) signer.Join();
        foreach (AbciServer server in _servers) server.Dispose();
        Directory.Delete(_folder, recursive: true);
        foreach (RecorderApplication application in Applications)
            CallOrder.Check(application.Calls.Select(CallOrder.Call));
    }

    private void StartSigner(int index)
    {
        ConsensusSigner signer = new(TestNetwork.ChainId, Keys[index], SignState.Fresh, _ => { });
        Thread thread =
            new(() => new RemoteSigner(PrivvalAddress(index), signer).Run(_stop.Token)) { IsBackground = true };
        thread.Start();
        _signers.Add(thread);
    }

    private string AbciAddress(int index) => $"unix://{_folder}/app{index}.sock";

    private string PrivvalAddress(int index) => $"unix://{_folder}/signer{index}.sock";

    /// <summary>One call at a time, as the reference server does it.</summary>
    private sealed class Adapter(RecorderApplication application) : IAbciApplication
    {
        private readonly Lock _lock = new();

        public ResponseInfo Info(RequestInfo request) => Locked(() => application.Info(request));

        public ResponseInitChain InitChain(RequestInitChain request) => Locked(() => application.InitChain(request));

        public ResponseQuery Query(RequestQuery request) => Locked(() => application.Query(request));

        public ResponseCheckTx CheckTx(RequestCheckTx request) => Locked(() => application.CheckTx(request).Result);

        public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) =>
            Locked(() => application.PrepareProposal(request));

        public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) =>
            Locked(() => application.ProcessProposal(request));

        public ResponseExtendVote ExtendVote(RequestExtendVote request) =>
            Locked(() => application.ExtendVote(request));

        public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
            Locked(() => application.VerifyVoteExtension(request));

        public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request) =>
            Locked(() => application.FinalizeBlock(request));

        public ResponseCommit Commit(RequestCommit request) => Locked(application.Commit);

        public ResponseListSnapshots ListSnapshots(RequestListSnapshots request) => new();

        public ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request) => new();

        public ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request) => new();

        public ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request) => new();

        private T Locked<T>(Func<T> call)
        {
            lock (_lock) return call();
        }
    }
}
