using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Node;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// What a run under faults is held against, each with something that it must find: a double sign, a log that was
/// altered, a validator that is slow to return, a block that is lost, evidence.
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class FaultChecksTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("appchain-checks-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("AA", 1)]
    [TestCase("BB", 0)]
    [TestCase("nil", 1)]
    public void Two_contents_at_one_place_are_a_double_sign(string second, int faults)
    {
        SignedPlaces places = new();
        places.Add(2, Log("only", Signed(5, 0, "BB"), Signed(5, 0, second), Signed(5, 1, "CC"), Signed(6, 0, "AA")));
        Assert.That(places.Faults, Has.Count.EqualTo(faults));
        if (faults > 0) Assert.That(places.Faults[0], Does.StartWith("validator 2 signed twice: height 5, round 0"));
        Assert.That(places.Count, Is.EqualTo(3));
    }

    [Test]
    public void Two_signers_of_one_validator_sign_twice_and_two_validators_do_not()
    {
        SignedPlaces places = new();
        places.Add(0, Log("first", Signed(5, 0, "AA")));
        places.Add(1, Log("other", Signed(5, 0, "BB")));
        Assert.That(places.Faults, Is.Empty);
        places.Add(0, Log("second", Signed(5, 0, "BB")));
        Assert.That(places.Faults, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_log_that_is_missing_or_altered_fails_the_run()
    {
        string log = Log("altered", Signed(5, 0, "AA"), Signed(6, 0, "AA"));
        File.WriteAllText(log, File.ReadAllText(log).Replace("\"block\":\"AA\"", "\"block\":\"AB\""));
        SignedPlaces places = new();
        places.Add(0, log);
        places.Add(0, Path.Combine(_folder, "missing"));
        Assert.That(places.Faults, Has.Count.EqualTo(2));
        Assert.That(places.Faults[1], Does.StartWith("there is no audit log"));
    }

    [Test]
    public void A_validator_that_takes_longer_than_twenty_seconds_to_return_fails_the_run()
    {
        PerturbationResult[] results =
        [
            new("kill", 1, 8, 3, 4, FaultRun.RecoveryMax), new("pause", 2, 20, 10, 12, FaultRun.RecoveryMax + 0.1),
        ];
        Assert.That(FaultRun.RecoveryMax, Is.EqualTo(20));
        Assert.That(FaultRun.Slow(results), Is.EqualTo(["validator 2 took 20.1 s to recover from pause"]));
    }

    [Test]
    public void A_block_that_does_not_follow_is_lost_and_evidence_is_counted()
    {
        using var node = new RpcClient("http://127.0.0.1:1");
        var monitor = new Monitor([node], new Presence(1));
        ByteString[] hashes = [ByteString.CopyFrom(1), ByteString.CopyFrom(2)];
        monitor.Link(After(ByteString.Empty));
        monitor.Take(1, new ResponseFinalizeBlock(), hashes[0], []);
        monitor.Link(After(hashes[0]));
        monitor.Take(2, new ResponseFinalizeBlock(), hashes[1], []);
        Assert.That((monitor.Lost, monitor.Evidence), Is.EqualTo((0, 0)));
        Block third = After(hashes[0]);
        third.Evidence.Evidence.Add(new Evidence());
        monitor.Link(third);
        Assert.That((monitor.Lost, monitor.Evidence), Is.EqualTo((1, 1)));
    }

    /// <summary>Two chains that began alike: what one of them has is not what was seen of the other.</summary>
    [Test]
    public async Task A_validator_that_has_another_block_at_the_end_has_lost_one()
    {
        const int heights = 3;
        using RealTimeNetwork parts = new(1);
        using RealTimeNetwork otherParts = new(1);
        using EmbeddedNetwork network = EmbeddedNetwork.Start(parts.Options);
        using EmbeddedNetwork other = EmbeddedNetwork.Start(otherParts.Options);
        var patience = TimeSpan.FromSeconds(30);
        Assert.That(network.WaitForHeight(heights, patience) && other.WaitForHeight(heights, patience));
        using var node = new RpcClient($"{network.RpcUrl(0)}");
        using var otherNode = new RpcClient($"{other.RpcUrl(0)}");
        var presence = new Presence(2);
        presence.Set(1, away: true);
        var monitor = new Monitor([node, otherNode], presence);
        for (long height = 1; height <= heights; height++) await monitor.FollowAsync(height, CancellationToken.None);
        Assert.That(monitor.Lost, Is.Zero);
        long different = 0;
        for (long height = 1; height <= heights; height++)
        {
            ByteString seen = (await node.BlockAsync(height)).Id.Hash;
            different += seen == (await otherNode.BlockAsync(height)).Id.Hash ? 0 : 1;
        }

        Assert.That(different, Is.Positive);
        await monitor.RereadAsync(CancellationToken.None);
        Assert.That(monitor.Lost, Is.EqualTo(different));
    }

    private static Block After(ByteString last) => new()
    {
        Header = new Header { LastBlockId = new BlockID { Hash = last } },
        Evidence = new EvidenceList(),
    };

    private static AuditEntry Signed(long height, int round, string block) =>
        new("signed", height, round, SignStep.Prevote, block, "");

    private string Log(string name, params IEnumerable<AuditEntry> entries)
    {
        string path = Path.Combine(_folder, name);
        using var log = new AuditLog(path);
        foreach (AuditEntry entry in entries) log.Append(NetworkFiles.ChainId, entry);
        return path;
    }
}
