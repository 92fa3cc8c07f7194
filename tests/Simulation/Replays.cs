using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Localnet;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>
/// Executes the blocks of a run again, when it is over: one node those from genesis to half way, where it takes a
/// snapshot, another, which receives that, the blocks after it. They must lead to the rows that lie on the disk of each
/// validator.
/// </summary>
/// <remarks>
/// A validator that never died has executed everything since genesis in one go. Where there is none, the first node
/// goes on to the end.
/// </remarks>
internal sealed class Replays
{
    // Small, so that few rows make many chunks.
    private const int ChunkBytesMax = 2_000;

    private readonly World _world;
    private readonly BlockStore _blocks;
    private readonly long _height;

    private Replays(World world)
    {
        _world = world;
        _blocks = world.Network.StoreOf(0);
        _height = Enumerable.Range(0, world.Swarm.Validators).Min(world.Auditor.CommittedBy);
    }

    /// <summary>Replays all that the validators of a run have committed.</summary>
    /// <exception cref="Violation">Something is not what it was.</exception>
    public static void Check(World world)
    {
        var replays = new Replays(world);
        string directory = Directory.CreateTempSubdirectory("appchain-simulation-").FullName;
        try
        {
            replays.Check(directory);
        }
        finally
        {
            Directory.Delete(directory, true);
        }
    }

    private void Check(string directory)
    {
        long half = Math.Max(1, _height / 2);
        var first = new SimulatedDisk(3, static (_, _) => { });
        var snapshots = new SnapshotStore(directory, half, 2, NodeLog.Silent) { ChunkBytesMax = ChunkBytesMax };
        using Application application = Start(first, snapshots);
        application.InitChain(Handshake.InitChainRequest(_world.Network.Options.Genesis));
        Execute(application, 1, half, snapshots);
        IEnumerable<Machine> there = _world.Machines.Where(
            machine => _world.Auditor.CommittedBy(machine.Index) == _height);
        bool goesOn = !there.Any(machine => machine.Starts == 1);
        if (goesOn) Execute(application, half + 1, _height, snapshots);
        var replayed = new SimulatedDisk(3, static (_, _) => { });
        CheckSnapshot(application, replayed);
        CheckRoot(replayed);
        if (goesOn) RequireSame("a node from genesis", replayed, first.Family(Rows.Family));
        foreach (Machine machine in there)
        {
            using var tail = new ChainStore(machine.Disk, Materialising.Never);
            RequireSame($"validator {machine.Index}", replayed, machine.Disk.Family(Rows.Family));
            RequireSame($"validator {machine.Index}", replayed, tail.Load()!.Value.Rows);
        }
    }

    // The snapshot of half way. An empty node that gets the chunks in any order, some damaged at first and some twice,
    // goes on like the others.
    private void CheckSnapshot(Application source, SimulatedDisk received)
    {
        Abci.Wire.Snapshot snapshot = source.ListSnapshots(new RequestListSnapshots()).Snapshots[^1];
        long height = (long)snapshot.Height;
        using Application node = Start(received, null);
        ResponseOfferSnapshot offered = node.OfferSnapshot(
            new RequestOfferSnapshot { Snapshot = snapshot, AppHash = _world.Auditor.AppHashOf(height) });
        if (offered.Result != OfferSnapshotResult.Accept)
            throw new Violation("snapshot", height, $"it is not taken: {offered.Result}");
        var random = new Random(_world.Seed);
        uint[] order = [.. Enumerable.Range(0, (int)snapshot.Chunks).Select(index => (uint)index)];
        random.Shuffle(order);
        foreach (uint index in order)
        {
            byte[] chunk = source.LoadSnapshotChunk(new RequestLoadSnapshotChunk
            {
                Height = snapshot.Height, Format = snapshot.Format, Chunk = index,
            }).Chunk.ToByteArray();
            byte[] damaged = [.. chunk];
            damaged[random.Next(damaged.Length)] ^= (byte)random.Next(1, 256);
            if (random.Next(4) == 0) RequireAnswer(node, index, damaged, ApplySnapshotChunkResult.Retry, height);
            RequireAnswer(node, index, chunk, ApplySnapshotChunkResult.Accept, height);
            if (index != order[^1] && random.Next(4) == 0)
                RequireAnswer(node, index, chunk, ApplySnapshotChunkResult.Accept, height);
        }
        Execute(node, height + 1, _height, null);
    }

    private static void RequireAnswer(
        Application node, uint index, byte[] chunk, ApplySnapshotChunkResult expected, long height)
    {
        ApplySnapshotChunkResult result = node.ApplySnapshotChunk(
            new RequestApplySnapshotChunk
            {
                Index = index,
                Chunk = ByteString.CopyFrom(chunk),
                Sender = "peer",
            }).Result;
        if (result != expected)
            throw new Violation("snapshot", height, $"chunk {index} is answered {result}, not {expected}");
    }

    // The rows that lie on a disk are those of the app hash, no more and no fewer.
    private void CheckRoot(SimulatedDisk disk)
    {
        if (Rows.RootOf(disk, _height) != _world.Auditor.AppHashOf(_height))
            throw new Violation("rows", _height, "the rows on the disk have another root than the block's app hash");
        var all = new Rows();
        all.LookAt(disk, _height);
        all.CheckEncodings();
    }

    private static Application Start(SimulatedDisk disk, SnapshotStore? snapshots) =>
        new(new ChainStore(disk, Materialising.AtOnce), null, false, NodeLog.Silent, snapshots: snapshots);

    private void Execute(Application application, long from, long to, SnapshotStore? snapshots)
    {
        for (long height = from; height <= to; height++)
        {
            ChainState before = _blocks.LoadStateBefore(height)!;
            SealedBlock block = _blocks.LoadBlock(height)!;
            Header header = block.Block.Header;
            if (height > 1 && header.AppHash != _world.Auditor.AppHashOf(height - 1))
                throw new Violation("header", height, "the app hash is not that of the block before");
            if (height > 1 && WireTime.ToNanoseconds(header.Time) <= before.LastTime)
                throw new Violation("header", height, "the time is not after the block before");
            if (header.ConsensusHash != BlockHashes.ConsensusParams(before.Parameters))
                throw new Violation("header", height, "the hash of the consensus parameters is another");
            ResponseFinalizeBlock response = application.FinalizeBlock(
                AbciRequests.FinalizeBlock(block, before.LastValidators, 1));
            if (response.AppHash != _world.Auditor.AppHashOf(height))
                throw new Violation("replay", $"from {from}: height {height} has another app hash");
            application.Commit(new RequestCommit());

            // ORDER: a run repeats itself only if the snapshot does not depend on how far the blocks got meanwhile.
            snapshots?.Wait();
        }
    }

    private static void RequireSame(
        string whose, SimulatedDisk replayed, IEnumerable<KeyValuePair<byte[], byte[]>> found)
    {
        KeyValuePair<byte[], byte[]>[] left = [.. replayed.Family(Rows.Family)];
        KeyValuePair<byte[], byte[]>[] right = [.. found];
        bool isSame = left.Length == right.Length && left.Zip(right).All(pair =>
            pair.First.Key.AsSpan().SequenceEqual(pair.Second.Key)
            && pair.First.Value.AsSpan().SequenceEqual(pair.Second.Value));
        if (!isSame) throw new Violation("replay", $"{whose} has other rows than a replay");
    }
}
