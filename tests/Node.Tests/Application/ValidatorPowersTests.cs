using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>
/// VAULT-17 as the engine sees it: the set that guardians decide on comes with the results of the block that executes
/// it, and people can ask who votes.
/// </summary>
[TestFixture]
public sealed class ValidatorPowersTests
{
    private readonly List<string> _directories = [];
    private TestNetwork _network = null!;

    [SetUp]
    public void Start()
    {
        _network = new TestNetwork(NewDirectory) { Guardians = ["alice", "bob"] };
        _network.Begin(null);
    }

    [TearDown]
    public void Stop()
    {
        _network.Dispose();
        _directories.ForEach(static directory => Directory.Delete(directory, recursive: true));
        _directories.Clear();
    }

    [Test]
    public void The_block_that_executes_tells_the_engine_once_and_the_queries_say_from_when()
    {
        _network.Step();
        V1.ValidatorSet genesis = Sets().Single();
        Assert.That((genesis.FromHeight, genesis.Validators.Count), Is.EqualTo((1UL, 4)));
        V1.ValidatorInfo first = genesis.Validators[0];
        byte[] old = Convert.FromBase64String(first.PublicKey);
        byte[] young = SoftwareKey.FromSeed(new byte[32]).PublicKey.ToArray();
        long power = (long)first.Power;
        PowerChange[] changes = [new([.. old], power + 1, power), new([.. young], 1, 0)];
        var wanted = new ValidatorPowers(
            [.. changes.OrderBy(one => Convert.ToHexString(one.PublicKey.AsSpan()), StringComparer.Ordinal)]);
        ResponseFinalizeBlock[] before =
        [
            _network.Step(_network.Sign("alice", 1, Propose(wanted))),
            _network.Step(_network.Sign("bob", 1, Approve(1))),
        ];
        ResponseFinalizeBlock executed = _network.Step();

        Assert.That(before.SelectMany(block => block.ValidatorUpdates), Is.Empty);
        Assert.That(
            executed.ValidatorUpdates.Select(update => (update.PubKey.Ed25519, update.Power)),
            Is.EquivalentTo(new[] { (ByteString.CopyFrom(old), power + 1), (ByteString.CopyFrom(young), 1L) }));
        Event[] said = [.. executed.Events.Where(one => one.Type == "appchain.v1.ValidatorPowerChanged")];
        Assert.That(said, Has.Length.EqualTo(2));
        Assert.That(said[0].Attributes.Single(one => one.Key == "from_height").Value, Is.EqualTo("6"));
        V1.ValidatorSet[] sets = Sets();
        Assert.That(sets.Select(set => set.FromHeight), Is.EqualTo(new[] { 1UL, 6UL }), "voting, and to come");
        Assert.That(sets[1].Validators.Count, Is.EqualTo(5));
        Assert.That(sets[1].Validators[0].PublicKey, Is.EqualTo(first.PublicKey), "the greatest first");
        V1.ValidatorInfo last = sets[1].Validators[^1];
        Assert.That(last.Address, Is.EqualTo(Convert.ToHexString(BlockHashes.Address(young).Span)));
        Assert.That((last.PublicKey, last.Power), Is.EqualTo((Convert.ToBase64String(young), 1UL)));
        Assert.That(_network.Step().ValidatorUpdates, Is.Empty);
        Assert.That(Sets().Single().FromHeight, Is.EqualTo(6), "who votes on the next block, and nobody before");
    }

    // The first is not on the curve. The other is the point (0, 1), for which anybody signs; a member may lose power.
    [TestCase("A6106A0B5E3D1D2A1C4F7C9E2F3B7A88D07A0CDE05F7DDA0C4B7E0F4A9B1C2D3", 0, ResultCode.InvalidPublicKey)]
    [TestCase("0100000000000000000000000000000000000000000000000000000000000000", 0, ResultCode.InvalidPublicKey)]
    [TestCase("0100000000000000000000000000000000000000000000000000000000000000", 2, ResultCode.Ok)]
    public void Who_joins_has_a_key_that_one_can_sign_with(string key, long before, object code)
    {
        _network.Step();
        var powers = new ValidatorPowers([new PowerChange([.. Convert.FromHexString(key)], 1, before)]);
        ResponseCheckTx answer = _network.Validators[0].Application.CheckTx(
            new RequestCheckTx { Tx = _network.Sign("alice", 1, Propose(powers)) });
        Assert.That((ResultCode)answer.Code, Is.EqualTo(code), answer.Log);
    }

    private static Operation Propose(ValidatorPowers powers) =>
        new() { Kind = OperationKind.Propose, Content = powers };

    private static Operation Approve(ulong id) =>
        new() { Kind = OperationKind.ApproveProposal, Content = new NumberedTarget(id) };

    private V1.ValidatorSet[] Sets()
    {
        ResponseQuery answer = _network.Validators[0].Application.Query(new RequestQuery { Path = "/validators" });
        Assert.That(answer.Code, Is.Zero, answer.Log);
        return [.. V1.ValidatorsResponse.Parser.Read(answer.Value.Span).Sets];
    }

    private string NewDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("appchain-powers-").FullName;
        _directories.Add(directory);
        return directory;
    }
}
