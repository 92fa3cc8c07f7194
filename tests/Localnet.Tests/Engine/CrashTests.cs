using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci.Wire.Types;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class CrashTests
{
    // C15, C16, C17
    /// <summary>
    /// What the application hears after a crash at each write point of height 6: Info, and FinalizeBlock and Commit
    /// only
    /// if it had not committed before.
    /// </summary>
    [TestCase(WritePoint.BlockSaved, "IFC")]
    [TestCase(WritePoint.Finalized, "IFC")]
    [TestCase(WritePoint.ResponseSaved, "IFC")]
    [TestCase(WritePoint.Committed, "I")]
    [TestCase(WritePoint.StateSaved, "I")]
    public void A_validator_that_dies_between_two_writes_goes_on_from_there(WritePoint point, string expected)
    {
        foreach (int victim in (int[])[0, 1, 2, 3])
        {
            TestNetwork network = new(seed: 31);
            bool crashed = false;
            network.Simulation.Reached = (index, reached) =>
            {
                // The signer and the application keep what they have: only the validator and the block in flight die.
                if (crashed || index != victim || reached != point) return;
                if (network.Simulation.StoreOf(index).Height != 6) return;
                crashed = true;
                throw new SimulatedCrash();
            };
            network.StartAll();
            network.Simulation.RunUntil(() => crashed, TimeSpan.FromMinutes(1));
            network.Simulation.RunUntil(() => false, TimeSpan.FromMilliseconds(50));
            int before = network.Applications[victim].Calls.Count;
            network.Simulation.Start(victim);
            string calls = CallOrder.Text(network.Applications[victim].Calls.Skip(before).Select(call => call.Kind));
            Assert.That(calls, Is.EqualTo(expected), $"validator {victim}");
            network.RunToHeight(20);
            Assert.That(network.Applications[victim].Calls.Count(call => call.Kind == "commit"),
                Is.EqualTo(network.Applications[victim].Height), "every height is committed exactly once");
        }
    }

    // C16
    [Test]
    public void A_crash_before_the_first_commit_repeats_init_chain()
    {
        TestNetwork network = new(seed: 32);
        bool crashed = false;
        network.Simulation.Reached = (index, point) =>
        {
            if (crashed || index != 2 || point != WritePoint.ResponseSaved) return;
            crashed = true;
            throw new SimulatedCrash();
        };
        network.StartAll();
        network.Simulation.RunUntil(() => crashed, TimeSpan.FromMinutes(1));
        int before = network.Applications[2].Calls.Count;
        network.Simulation.Start(2);
        string calls = CallOrder.Text(network.Applications[2].Calls.Skip(before).Select(call => call.Kind));
        Assert.That(calls, Does.StartWith("INFC"));
        network.RunToHeight(10);
    }

    // C18
    [TestCase("prepare_proposal")]
    [TestCase("process_proposal")]
    [TestCase("extend_vote")]
    [TestCase("verify_vote_extension")]
    [TestCase("finalize_block")]
    [TestCase("commit")]
    public void An_application_that_dies_in_a_call_is_brought_back(string call)
    {
        TestNetwork network = new(seed: 33);
        int calls = 0;
        network.Applications[1].Before = kind =>
        {
            if (kind == call && ++calls == 3) throw new SimulatedCrash();
        };
        network.StartAll();
        network.Simulation.RunUntil(() => network.Simulation.Node(1) is null, TimeSpan.FromMinutes(1));
        network.Simulation.Start(1);
        network.RunToHeight(20);
        Assert.That(Enumerable.Range(15, 6).Select(
            height => network.Simulation.StoreOf(0).LoadBlock(height)!.Block.LastCommit.Signatures[1].BlockIdFlag),
            Does.Contain(BlockIDFlag.Commit), "the validator votes again");
    }

    [Test]
    public void An_application_without_its_data_gets_every_block_again()
    {
        TestNetwork network = new(seed: 34);
        network.StartAll();
        network.RunToHeight(8);
        network.Simulation.Crash(0);
        byte[] hash = network.Applications[0].AppHash;
        long height = network.Applications[0].Height;
        network.Applications[0].Wipe();
        network.Simulation.Start(0);
        string calls = CallOrder.Text(network.Applications[0].Calls.Select(call => call.Kind));
        Assert.That(calls, Does.StartWith("IN" + string.Concat(Enumerable.Repeat("FC", (int)height))));
        Assert.That(network.Applications[0].Finalized.Count, Is.EqualTo(height));
        Assert.That(network.Applications[0].AppHash, Is.EqualTo(hash));
        network.RunToHeight(15);
    }

    // C16
    [Test]
    public void An_application_that_is_ahead_or_has_another_hash_is_refused()
    {
        TestNetwork network = new(seed: 35);
        network.StartAll();
        network.RunToHeight(5);
        for (int i = 0; i < 4; i++) network.Simulation.Crash(i);
        Assert.That(() => Handshake.Run(network.Genesis, EmptyStore(), network.Applications[0]),
            Throws.TypeOf<ConsensusFailure>().With.Message.Contains("too high"));
        network.Applications[0].AppHash[0] ^= 1;
        Assert.That(() => Handshake.Run(network.Genesis, network.Simulation.StoreOf(0), network.Applications[0]),
            Throws.TypeOf<ConsensusFailure>().With.Message.Contains("differs"));

        BlockStore EmptyStore()
        {
            TestNetwork other = new(seed: 36);
            other.StartAll();
            other.RunToHeight(2);
            return other.Simulation.StoreOf(0);
        }
    }

    /// <summary>
    /// Faults of every kind until a point in time, then none: no two blocks of one height are ever decided, and after
    /// the
    /// faults the chain goes on. At most one validator of four lies or is down at a time.
    /// </summary>
    [Test]
    public void Random_faults_never_fork_the_chain_and_it_recovers()
    {
        for (int seed = 100; seed < 125; seed++) RunWithFaults(seed, heights: 12);
    }

    [Test, Category("Long")]
    public void Random_faults_never_fork_the_chain_over_many_seeds()
    {
        for (int seed = 1000; seed < 1100; seed++) RunWithFaults(seed, heights: 25);
    }

    private static void RunWithFaults(int seed, int heights)
    {
        Random plan = new(seed);
        bool faulty = true;
        TestNetwork network = null!;
        network = new TestNetwork(seed, adjust: options => options with
        {
            MaximumDelay = TimeSpan.FromMilliseconds(plan.Next(5, 600)),
            Copies = (random, from, to, message) =>
            {
                if (!faulty) return 1;
                if (from == 3 && message is Vote vote && random.NextDouble() < 0.2)
                    network.Simulation.Transmit(2, to, network.Lie(3, vote));
                double chance = random.NextDouble();
                return chance < 0.15 ? 0 : chance < 0.25 ? 2 : 1;
            },
        });
        int down = -1;
        network.Simulation.Reached = (index, _) =>
        {
            if (!faulty || down >= 0 || index == 3 || plan.NextDouble() > 0.02) return;
            down = index;
            network.Simulation.At(TimeSpan.FromSeconds(plan.Next(1, 5)), () =>
            {
                down = -1;
                network.Simulation.Start(index);
            });
            throw new SimulatedCrash();
        };
        network.StartAll();
        bool reached = network.Simulation.RunUntil(
            () => network.Live().Any(node => node.Store.StateHeight >= heights), TimeSpan.FromMinutes(10));
        network.CheckSafety();
        faulty = false;
        network.Simulation.RunUntil(() => down < 0, TimeSpan.FromSeconds(10));
        network.RunToHeight(network.Live().Max(node => node.Store.StateHeight) + 5, limitSeconds: 600);
        Assert.That(reached, $"seed {seed}: no progress under faults");
    }
}
