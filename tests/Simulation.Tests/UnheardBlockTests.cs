using System;
using System.Collections.Generic;
using AppChain.Abci.Wire;
using AppChain.Node;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Simulation.Tests;

/// <summary>
/// A block that every validator dies of, between its commit and the auditor's ear, is looked at when one goes on.
/// </summary>
public sealed class UnheardBlockTests
{
    private const int CommitCall = 8;
    private const long Unheard = 12;

    // All validators have committed the block and died of it, or of this many blocks one after the other.
    private static World Dead(int blocks = 1)
    {
        const int seed = 5;
        // An application that begins anew would execute and commit the block again, and tell of it.
        Swarm swarm = Swarm.Draw(seed, 4, beyond: false, calm: true) with { Wipes = 0 };
        var world = new World(seed, swarm, isBeyond: false);
        HashSet<(int, long)> died = [];
        world.MustDie = (index, kind, number) => kind == StepKind.AfterCall && number == CommitCall
            && CommittedBy(world, index) is >= Unheard and var height && height < Unheard + blocks
            && died.Add((index, height));
        world.Begin();
        bool areDead = world.Network.RunUntil(() => died.Count == 4 * blocks, TimeSpan.FromMinutes(5));
        Assert.That(areDead, $"only {died.Count} deaths");
        Assert.That(world.Auditor.Height, Is.EqualTo(Unheard - 1));
        return world;
    }

    // What the disk says, and the auditor may not know yet.
    private static long CommittedBy(World world, int index)
    {
        using var store = new ChainStore(world.Machines[index].Disk.Copy(), Materialising.Never);
        return store.Height;
    }

    private static void GoOn(World world) =>
        world.Network.RunUntil(() => world.Auditor.Height >= Unheard + 10, TimeSpan.FromMinutes(5));

    [TestCase(1)]
    [TestCase(2)]
    public void It_is_looked_at_when_a_validator_goes_on(int blocks)
    {
        World world = Dead(blocks);
        GoOn(world);
        Assert.That(world.Auditor.Height, Is.EqualTo(Unheard + 10));
        Assert.That(world.Auditor.HeardLate, Is.EqualTo(blocks));
    }

    [Test]
    public void A_seed_in_which_faults_bring_it_about_passes()
    {
        const int seed = 15_000_381;
        Outcome outcome = Simulator.Run(new Scenario(seed, 0.03), Swarm.Draw(seed, 0, beyond: false, calm: false));
        Assert.That(outcome.Failure, Is.Null);
        Assert.That(outcome.HeardLate, Is.EqualTo(1));
    }

    // An order that never was, an app hash that is not that of the rows, a transaction that executes twice.
    private static void Spoil(Unheard block, string rule)
    {
        switch (rule)
        {
            case "ledger":
                EventAttribute order = new() { Key = "order_id", Value = "1000000" };
                block.Response.Events.Add(new Event { Type = "appchain.v1.OrderOpened", Attributes = { order } });
                break;
            case "rows":
                block.Response.AppHash = ByteString.CopyFrom(new byte[32]);
                break;
            default:
                ByteString some = ByteString.CopyFromUtf8("a transaction");
                block.Request.Txs.Add([some, some]);
                block.Response.TxResults.Add([new ExecTxResult(), new ExecTxResult()]);
                break;
        }
    }

    [Test]
    public void What_is_wrong_with_it_is_found([Values("ledger", "rows", "replay")] string rule)
    {
        World world = Dead();
        Spoil(world.Auditor.Waiting[Unheard], rule);
        Violation? found = Assert.Throws<Violation>(() => GoOn(world));
        Assert.That(found!.Rule, Is.EqualTo(rule));
        Assert.That(found.Message, Does.Contain($"height {Unheard}:"));
    }
}
