using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using NUnit.Framework;
using ConsensusParameters = AppChain.StateMachine.ConsensusParameters;
using CouncilTerms = AppChain.StateMachine.CouncilTerms;
using Operation = AppChain.StateMachine.Operation;
using TimelockTier = AppChain.StateMachine.TimelockTier;
using VaultTerms = AppChain.StateMachine.VaultTerms;

namespace AppChain.Node.Tests;

/// <summary>
/// VAULT-16 as the engine sees it: what guardians decide comes with the results of the block that executes it.
/// </summary>
[TestFixture]
public sealed class ConsensusParametersTests
{
    private static readonly ConsensusParameters s_genesis = new(4_194_304, 100_000, 172_800, 1_048_576);
    private static readonly ConsensusParameters s_wanted = new(2_097_152, 50_000, 86_400, 524_288);

    private readonly List<string> _directories = [];
    private TestNetwork _network = null!;

    [SetUp]
    public void Start()
    {
        _network = new TestNetwork(NewDirectory) { Guardians = ["alice", "bob"] };
        _network.Begin(new ConsensusParams
        {
            Block = new BlockParams { MaxBytes = s_genesis.BlockBytes, MaxGas = -1 },
            Evidence = new EvidenceParams
            {
                MaxAgeNumBlocks = s_genesis.EvidenceAgeBlocks,
                MaxAgeDuration = new Duration { Seconds = s_genesis.EvidenceAgeSeconds, Nanos = 7 },
                MaxBytes = s_genesis.EvidenceBytes,
            },
        });
    }

    [TearDown]
    public void Stop()
    {
        _network.Dispose();
        _directories.ForEach(static directory => Directory.Delete(directory, recursive: true));
        _directories.Clear();
    }

    [Test]
    public void The_block_that_executes_hands_them_to_the_engine_once()
    {
        _network.Step();
        Assert.That(Told(), Is.EqualTo((s_genesis, 1UL)));
        ResponseFinalizeBlock proposed = _network.Step(_network.Sign("alice", 1, Propose(s_wanted)));
        Assert.That(proposed.TxResults[^1].Code, Is.Zero);
        ResponseFinalizeBlock approved = _network.Step(_network.Sign("bob", 1, Approve(1)));
        ResponseFinalizeBlock executed = _network.Step();
        ResponseFinalizeBlock after = _network.Step();

        Assert.That(new[] { proposed, approved, after }.Select(block => block.ConsensusParamUpdates), Is.All.Null);
        Assert.That(executed.ConsensusParamUpdates, Is.EqualTo(new ConsensusParams
        {
            Block = new BlockParams { MaxBytes = s_wanted.BlockBytes, MaxGas = -1 },
            Evidence = new EvidenceParams
            {
                MaxAgeNumBlocks = s_wanted.EvidenceAgeBlocks,
                MaxAgeDuration = new Duration { Seconds = s_wanted.EvidenceAgeSeconds },
                MaxBytes = s_wanted.EvidenceBytes,
            },
            Version = new VersionParams { App = 1 },
        }));
        Assert.That(
            executed.Events.Select(happened => happened.Type), Does.Contain("appchain.v1.ConsensusParametersChanged"));
        Assert.That(Told(), Is.EqualTo((s_wanted, 5UL)));
    }

    // The engine replays a block whose Commit was lost: the answer must be the same.
    [Test]
    public void A_block_that_is_executed_again_hands_them_over_again()
    {
        _network.Step(_network.Sign("alice", 1, Propose(s_wanted)));
        _network.Step(_network.Sign("bob", 1, Approve(1)));
        RequestProcessProposal proposal = _network.Propose();
        ResponseFinalizeBlock executed = _network.Decide(proposal, validator =>
        {
            validator.Application.Dispose();
            validator.Application = new Node.Application(
                new ChainStore(validator.Directory), validator.Feed, true, NodeLog.Silent);
        });
        Assert.That(executed.ConsensusParamUpdates.Block.MaxBytes, Is.EqualTo(s_wanted.BlockBytes));
        Assert.That(_network.Step().ConsensusParamUpdates, Is.Null);
        Assert.That(Told(), Is.EqualTo((s_wanted, 4UL)));
    }

    [Test]
    public void An_exported_chain_goes_on_with_what_it_has_decided()
    {
        _network.Step(_network.Sign("alice", 1, Propose(s_wanted)));
        _network.Step(_network.Sign("bob", 1, Approve(1)));
        _network.Step();
        _network.Dispose();
        byte[] document = StateCommands.Export(_network.Validators[0].Directory, 0, "{}", out Exchange _);
        using JsonDocument genesis = JsonDocument.Parse(document);
        JsonElement parameters = genesis.RootElement.GetProperty("consensus_params");
        Assert.That(parameters.GetProperty("block").GetProperty("max_bytes").GetString(), Is.EqualTo("2097152"));
        Assert.That(
            parameters.GetProperty("evidence").GetProperty("max_age_duration").GetString(),
            Is.EqualTo("86400000000000"));
    }

    private static Operation Propose(ConsensusParameters parameters) =>
        new() { Kind = OperationKind.Propose, Content = parameters };

    private static Operation Approve(ulong id) =>
        new() { Kind = OperationKind.ApproveProposal, Content = new NumberedTarget(id) };

    private (ConsensusParameters Parameters, ulong From) Told()
    {
        ResponseQuery answer = _network.Validators[0].Application.Query(new RequestQuery { Path = "/consensus" });
        Assert.That(answer.Code, Is.Zero, answer.Log);
        ConsensusResponse told = ConsensusResponse.Parser.ParseFrom(answer.Value);
        return (new ConsensusParameters(
            (long)told.BlockBytes,
            (long)told.EvidenceAgeBlocks,
            (long)told.EvidenceAgeSeconds,
            (long)told.EvidenceBytes), told.FromHeight);
    }

    private string NewDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("appchain-parameters-").FullName;
        _directories.Add(directory);
        return directory;
    }
}
