using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Every row of the handshake's table with the product's application and its store, on CometBFT: the application dies
/// at chosen calls, the engine's data are kept, and each row combines kept data with an application at some height.
/// </summary>
[TestFixture, Category("Long")]
public sealed class CometBftHandshakeTests
{
    private readonly int _port = TestPorts.Next();
    private readonly SortedDictionary<long, RequestFinalizeBlock> _blocks = [];
    private RequestInitChain? _genesis;
    private string _folder = "";

    private string Home => Path.Combine(_folder, "home");

    private string Address => $"unix://{_folder}/abci.sock";

    /// <summary>One chain, stopped again and again: the data of the engine at each stop.</summary>
    [OneTimeSetUp]
    public void MakeData()
    {
        CometBftNode.Binary();
        _folder = Directory.CreateTempSubdirectory("appchain-handshake-").FullName;
        NewHome().Dispose();
        Keep("empty");
        RunUntil("state 4", CallKind.PrepareProposal, 5);
        RunUntil("block 6", CallKind.FinalizeBlock, 6);
        RunUntil("response 6", CallKind.Commit, 6);
        RunUntil("state 6", CallKind.PrepareProposal, 7);
        RunUntil("pruned 7", CallKind.PrepareProposal, 8, retain: 4);
        Mix("blocks behind", blocks: "state 4", state: "state 6");
        Mix("blocks ahead", blocks: "state 6", state: "state 4");
    }

    [OneTimeTearDown]
    public void Remove()
    {
        if (_folder.Length > 0) Directory.Delete(_folder, recursive: true);
    }

    [TestCaseSource(typeof(HandshakeCase), nameof(HandshakeCase.All))]
    public void Engine_and_application_meet(HandshakeCase row)
    {
        Directory.Delete(Path.Combine(Home, "data"), recursive: true);
        CometBftNode.Copy(Kept(row.Data), Path.Combine(Home, "data"));
        RequestInitChain genesis = _genesis!.Clone();
        if (row.OtherGenesis)
            genesis.AppStateBytes = Google.Protobuf.ByteString.CopyFrom(
                Genesis.Parse(EmbeddedHandshakeTests.GenesisJson(insuranceFund: 5)).AppState);
        string directory = Path.Combine(_folder, TestContext.CurrentContext.Test.ID);
        using RealApplication application = RealApplication.At(row.Application, directory, genesis, _blocks);
        using var asked = new ManualResetEventSlim();
        application.Before = (kind, _) =>
        {
            if (kind == CallKind.PrepareProposal) asked.Set();
        };
        using var server = new AbciServer(application.Served, Address);
        using var node = new CometBftNode(Home);
        node.Start();
        if (row.Calls is null)
        {
            Assert.That(node.WaitForExit(), Is.EqualTo(row.ExitCode), node.Said);
            Assert.That(node.Said, Does.Contain(row.CometBftRefusal));
            Assert.That(application.Calls.Any(call => call.Kind == CallKind.PrepareProposal), Is.False);
            return;
        }

        // A new height: its proposal is asked for when the handshake is over.
        Assert.That(asked.Wait(TimeSpan.FromSeconds(20)), Is.True, node.Said);
        node.Kill();
        server.Dispose();
        Assert.That(
            HandshakeCase.Before(application.Calls.Select(EmbeddedHandshakeTests.KindOf)), Is.EqualTo(row.Calls));
        Assert.That(CallGrammar.Check(application.Calls), Is.Null);
        AbciCall first = application.Calls.First(call => call.Kind == CallKind.PrepareProposal);
        Assert.That(first.Height, Is.EqualTo(row.Engine.Blocks + 1));
    }

    private CometBftNode NewHome()
    {
        var node = new CometBftNode(Home);
        node.Create(EmbeddedHandshakeTests.GenesisJson(), EmbeddedHandshakeTests.Seed, Address, _port);
        return node;
    }

    // Lets the application fail at a call, which ends the engine, and keeps the engine's data.
    private void RunUntil(string name, CallKind kind, long height, long retain = 0)
    {
        using (var application = new RealApplication(Path.Combine(_folder, "original")))
        {
            application.Retain = retain;
            application.Before = (call, at) =>
            {
                if (call == kind && at == height) throw new InvalidOperationException("the application dies here");
            };
            using var server = new AbciServer(application.Served, Address);
            using var node = new CometBftNode(Home);
            node.Start();
            node.WaitForExit();
            Assert.That(node.Said, Does.Contain("the application dies here").Or.Contain("EOF"), node.Said);
            Assert.That(CallGrammar.Check(application.Calls), Is.Null);
            _genesis ??= application.Genesis;
            foreach ((long at, RequestFinalizeBlock block) in application.Blocks) _blocks[at] = block;
        }

        Keep(name);
    }

    private string Kept(string name) => Path.Combine(_folder, "kept", name);

    private void Keep(string name) => CometBftNode.Copy(Path.Combine(Home, "data"), Kept(name));

    private void Mix(string name, string blocks, string state)
    {
        CometBftNode.Copy(Kept(state), Kept(name));
        Directory.Delete(Path.Combine(Kept(name), "blockstore.db"), recursive: true);
        CometBftNode.Copy(Path.Combine(Kept(blocks), "blockstore.db"), Path.Combine(Kept(name), "blockstore.db"));
    }
}
