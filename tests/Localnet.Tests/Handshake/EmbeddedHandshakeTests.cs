using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.Node;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Every row of the handshake's table with the product's application and its store, on the embedded engine.
/// </summary>
[TestFixture]
public sealed class EmbeddedHandshakeTests
{
    private string _folder = "";
    private Genesis _genesis = null!;
    private BlockStore _chain = null!;
    private RealApplication _original = null!;

    /// <summary>A genesis with one validator and the default markets.</summary>
    public static string GenesisJson(long insuranceFund = 1_000_000_000) =>
        GenesisJson([SoftwareKey.FromSeed(Seed).PublicKey], insuranceFund);

    /// <summary>A genesis with validators of equal powers and the default markets.</summary>
    public static string GenesisJson(IEnumerable<ByteString> validators, long insuranceFund = 1_000_000_000) =>
        TestNetwork.GenesisJson(validators).Replace(
            "\"app_state\": {}",
            "\"app_state\": " + GenesisFile.Write(new GenesisState(
                GenesisFile.DefaultMarkets, [], insuranceFund)).ToJsonString());

    public static byte[] Seed => [.. Enumerable.Repeat((byte)1, 32)];

    [OneTimeSetUp]
    public void MakeChain()
    {
        _folder = Directory.CreateTempSubdirectory("appchain-handshake-").FullName;
        _original = new RealApplication(Path.Combine(_folder, "original"));
        _genesis = Genesis.Parse(GenesisJson());
        SoftwareKey key = SoftwareKey.FromSeed(Seed);
        var simulation = new SimulatedNetwork(new SimulationOptions
        {
            Genesis = _genesis,
            Validators = 1,
            Seed = 1,
            Application = _ => new DirectApplication(_original.Served),
            Signer = _ => new ConsensusSigner(TestNetwork.ChainId, key, SignState.Fresh, _ => { }),
        });
        simulation.Start(0);
        Assert.That(
            simulation.RunUntil(() => simulation.StoreOf(0).StateHeight >= 8, TimeSpan.FromMinutes(1)), Is.True,
            simulation.Node(0)?.Failure?.ToString());
        _chain = simulation.StoreOf(0);
        Assert.That(CallGrammar.Check(_original.Calls), Is.Null);
    }

    [OneTimeTearDown]
    public void Remove()
    {
        _chain.Dispose();
        _original.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestCaseSource(typeof(HandshakeCase), nameof(HandshakeCase.All))]
    public void Engine_and_application_meet(HandshakeCase row)
    {
        BlockStore store = StoreOf(row.Engine);
        RequestInitChain genesis = _original.Genesis!.Clone();
        if (row.OtherGenesis) genesis.AppStateBytes = ByteString.CopyFrom(
            Genesis.Parse(GenesisJson(insuranceFund: 5)).AppState);
        string directory = Path.Combine(_folder, TestContext.CurrentContext.Test.ID);
        using RealApplication application = RealApplication.At(row.Application, directory, genesis, _original.Blocks);
        if (row.Calls is null)
        {
            Assert.That(
                () => Handshake.Run(_genesis, store, new DirectApplication(application.Served)),
                Throws.TypeOf<ConsensusFailure>().With.Message.Contains(row.Refusal));
            return;
        }

        ChainState state = Handshake.Run(_genesis, store, new DirectApplication(application.Served));
        Assert.That(HandshakeCase.Before(application.Calls.Select(KindOf)), Is.EqualTo(row.Calls));
        Assert.That(CallGrammar.Check(application.Calls), Is.Null);
        Assert.That(state.LastHeight, Is.EqualTo(row.Engine.Blocks));
        Assert.That(application.Info().LastBlockHeight, Is.EqualTo(row.Engine.Blocks));
        if (row.Engine.Blocks > 0)
        {
            Assert.That(application.Info().LastBlockAppHash, Is.EqualTo(_chain.LoadState(row.Engine.Blocks)!.AppHash));
            Assert.That(state.ToBytes(), Is.EqualTo(_chain.LoadState(row.Engine.Blocks)!.ToBytes()));
        }
    }

    [Test]
    public void A_negative_height_is_refused() => Assert.That(
        () => Handshake.Run(_genesis, StoreOf(new EngineData(6, 6, 1, true)), new NegativeHeight()),
        Throws.TypeOf<ConsensusFailure>().With.Message.Contains("negative"));

    /// <summary>Name of a call as the recordings spell it.</summary>
    public static string KindOf(AbciCall call) =>
        string.Concat(call.Kind.ToString().Select(
            (c, i) => (i > 0 && char.IsUpper(c) ? "_" : "") + char.ToLowerInvariant(c)));

    // What an engine that stands so has on disk.
    private BlockStore StoreOf(EngineData data)
    {
        var store = new BlockStore(new RecordLog(new MemoryStream()));
        if (data.Blocks > 0) store.SaveState(_chain.LoadState(0)!);
        for (long height = 1; height <= Math.Max(data.Blocks, data.State); height++)
        {
            if (height >= data.Base && height <= data.Blocks)
                store.SaveBlock(_chain.LoadBlock(height)!, _chain.LoadSeenCommit(height)!);
            if (height < data.Blocks || data.HasResponse) store.SaveResponse(height, _chain.LoadResponse(height)!);
            if (height <= data.State) store.SaveState(_chain.LoadState(height)!);
        }
        return store;
    }

    private sealed class NegativeHeight : IApplication
    {
        private readonly RecorderApplication _inner = new("negative");

        public ResponseInfo Info(RequestInfo request) => new() { LastBlockHeight = -1 };

        public ResponseQuery Query(RequestQuery request) => _inner.Query(request);

        public ResponseInitChain InitChain(RequestInitChain request) => _inner.InitChain(request);

        public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) =>
            _inner.PrepareProposal(request);

        public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) =>
            _inner.ProcessProposal(request);

        public ResponseExtendVote ExtendVote(RequestExtendVote request) => _inner.ExtendVote(request);

        public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
            _inner.VerifyVoteExtension(request);

        public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request) => _inner.FinalizeBlock(request);

        public ResponseCommit Commit() => _inner.Commit();

        public System.Threading.Tasks.Task<ResponseCheckTx> CheckTx(RequestCheckTx request) => _inner.CheckTx(request);

        public void PushMempool()
        {
        }

        public void FlushMempool()
        {
        }
    }
}
