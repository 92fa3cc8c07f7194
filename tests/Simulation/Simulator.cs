using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Localnet;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>What is simulated.</summary>
/// <param name="Seed">Everything that is random follows from it.</param>
/// <param name="Hours">Virtual hours of the safety phase.</param>
/// <param name="Validators">Number of validators, 0 to draw it.</param>
/// <param name="IsBeyond">More than a third of the power lies: a fork is allowed, an undetected one is not.</param>
/// <param name="IsCalm">No faults: for measuring speed.</param>
internal sealed record Scenario(int Seed, double Hours, int Validators = 0, bool IsBeyond = false, bool IsCalm = false);

/// <summary>What a run came to.</summary>
internal sealed record Outcome(
    Scenario Scenario, Swarm Swarm, long Blocks, string Trace, (int Processes, int Machines) Deaths, int LiesTold,
    long LateRounds, int Transactions, IReadOnlyDictionary<string, long> Events, int Forks, string? Failure);

/// <summary>
/// One run: a safety phase under faults, then a liveness phase without, in which the chain must go on and everybody
/// catch up; then the blocks are executed again from genesis and must lead to the same rows.
/// </summary>
internal static class Simulator
{
    private const int BlocksToGo = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Runs a scenario; a failure is in the outcome, not thrown.</summary>
    public static Outcome Run(Scenario scenario, Swarm swarm)
    {
        var world = new World(scenario.Seed, swarm, scenario.IsBeyond);
        string? failure = null;
        try
        {
            Run(world, scenario);
        }
        catch (Exception broken) when (broken is not OutOfMemoryException)
        {
            failure = broken is Violation ? broken.Message : $"{broken.GetType().Name}: {broken.Message}{FirstFrame(broken)}";
            world.Trace.Add(failure);
        }
        return new Outcome(scenario, swarm, world.Auditor.Height, world.Trace.Text, world.Deaths, world.LiesTold,
            world.Auditor.LateRounds, world.Traders.Sent, world.Auditor.Counts, world.Auditor.Forks.Count, failure);
    }

    private static void Run(World world, Scenario scenario)
    {
        world.Begin();
        world.Network.RunUntil(() => world.Auditor.Forks.Count > 0, TimeSpan.FromHours(scenario.Hours));
        if (scenario.IsBeyond)
        {
            CheckBeyond(world);
            return;
        }
        world.Heal();
        long target = world.Auditor.Height + BlocksToGo;
        bool goesOn = world.Network.RunUntil(
            () => Enumerable.Range(0, world.Swarm.Validators).All(i => world.Auditor.CommittedBy(i) >= target), Patience);
        if (!goesOn)
        {
            throw new Violation("liveness", $"{Patience.TotalMinutes} minutes after the faults the validators are at "
                + string.Join(' ', Enumerable.Range(0, world.Swarm.Validators).Select(world.Auditor.CommittedBy))
                + $", not at {target}");
        }
        CheckDisks(world);
    }

    // Liars with a third of the power can split the chain; whoever compares the two commits must find them, and only them.
    private static void CheckBeyond(World world)
    {
        foreach ((long height, int[] culprits) in world.Auditor.Forks)
        {
            int[] liars = [.. Enumerable.Range(world.Swarm.Validators - world.Swarm.Liars, world.Swarm.Liars)];
            if (culprits.Length * 3 < world.Swarm.Validators || culprits.Except(liars).Any())
            {
                throw new Violation("accountability", $"height {height}: the fork is the work of {string.Join(' ', liars)}, the "
                    + $"commits accuse {string.Join(' ', culprits)}");
            }
        }
    }

    // Genesis and every block lead to the same rows as the disk of each validator: its rows, and its rows and the tail of
    // its change log.
    private static void CheckDisks(World world)
    {
        long height = Enumerable.Range(0, world.Swarm.Validators).Min(world.Auditor.CommittedBy);
        BlockStore store = world.Network.StoreOf(0);
        var disk = new SimulatedDisk(3, (_, _) => { });
        using (var replayed = new Application(new ChainStore(disk, Materialising.AtOnce), null, false, NodeLog.Silent))
        {
            Replay(world, store, replayed, height);
        }
        CheckRoot(world, disk, height);
        foreach (Machine machine in world.Machines)
        {
            if (world.Auditor.CommittedBy(machine.Index) != height) continue;
            using var tail = new ChainStore(machine.Disk, Materialising.Never);
            RequireSame(machine.Index, disk, machine.Disk.Family(Rows.Family));
            RequireSame(machine.Index, disk, tail.Load()!.Value.Rows);
        }
    }

    // The rows that lie on a disk are those of the app hash, no more and no fewer.
    private static void CheckRoot(World world, SimulatedDisk disk, long height)
    {
        List<RowChange> rows = [.. disk.Family(Rows.Family).Select(row => new RowChange(row.Key, row.Value, false))];
        byte[] root = new StateTree(1).Apply(height, rows);
        if (ByteString.CopyFrom(root) != world.Auditor.AppHashOf(height))
            throw new Violation("rows", height, "the rows on the disk have another root than the block's app hash");
        new Rows(disk).CheckEncodings(height);
    }

    private static void Replay(World world, BlockStore store, Application application, long height)
    {
        ChainState genesis = world.Network.Options.Genesis.ToState();
        RequestInitChain init = new()
        {
            ChainId = World.ChainId,
            Time = Abci.WireTime.FromNanoseconds(world.Network.Options.Genesis.Time),
            ConsensusParams = world.Network.Options.Genesis.Parameters,
            AppStateBytes = ByteString.CopyFrom(world.Network.Options.Genesis.AppState),
            InitialHeight = 1,
        };
        init.Validators.Add(genesis.Validators.Members.Select(member => new Abci.Wire.ValidatorUpdate
        {
            PubKey = new Abci.Wire.Crypto.PublicKey { Ed25519 = member.PublicKey }, Power = member.Power,
        }));
        application.InitChain(init);
        for (long h = 1; h <= height; h++)
        {
            ChainState before = store.LoadStateBefore(h)!;
            Abci.Wire.Types.Header header = store.LoadBlock(h)!.Block.Header;
            if (h > 1 && header.AppHash != world.Auditor.AppHashOf(h - 1))
                throw new Violation("header", h, "the app hash is not that of the block before");
            if (h > 1 && Abci.WireTime.ToNanoseconds(header.Time) <= before.LastTime)
                throw new Violation("header", h, "the time is not after the block before");
            ResponseFinalizeBlock response = application.FinalizeBlock(
                AbciRequests.FinalizeBlock(store.LoadBlock(h)!, before.LastValidators, 1));
            if (response.AppHash != world.Auditor.AppHashOf(h))
                throw new Violation("replay from genesis", $"height {h} has another app hash");
            application.Commit(new RequestCommit());
        }
    }

    private static void RequireSame(
        int validator, SimulatedDisk replayed, IEnumerable<KeyValuePair<byte[], byte[]>> found)
    {
        bool isSame = replayed.Family(Rows.Family).Select(row => Convert.ToHexString(row.Key) + Convert.ToHexString(row.Value))
            .SequenceEqual(found.Select(row => Convert.ToHexString(row.Key) + Convert.ToHexString(row.Value)));
        if (!isSame) throw new Violation("replay from genesis", $"validator {validator} has other rows on its disk");
    }

    private static string FirstFrame(Exception broken)
    {
        string? frame = broken.StackTrace?.Split('\n').FirstOrDefault(line => !line.Contains("Invariant.", StringComparison.Ordinal));
        return frame is null ? "" : $" ({frame.Trim()})";
    }
}
