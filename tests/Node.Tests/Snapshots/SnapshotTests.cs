using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using NUnit.Framework;
using static AppChain.Node.Tests.TestNetwork;
using Side = AppChain.StateMachine.Side;

namespace AppChain.Node.Tests;

/// <summary>A node starts from the snapshot of others, whatever else they send, and goes on like them.</summary>
[TestFixture]
public sealed class SnapshotTests
{
    private const int Height = 24;

    private readonly List<string> _directories = [];
    private TestNetwork _network = null!;
    private SnapshotStore _snapshots = null!;
    private string _snapshotDirectory = "";

    [SetUp]
    public void MakeSnapshot()
    {
        _network = new TestNetwork(NewDirectory);
        Trade(Height);
        _snapshotDirectory = NewDirectory();
        _snapshots = new SnapshotStore(_snapshotDirectory, 8, 2, NodeLog.Silent) { ChunkBytesMax = 400 };
        Reopen(0, _snapshots);
    }

    [TearDown]
    public void RemoveDirectories()
    {
        _network.Dispose();
        _snapshots.Dispose();
        foreach (string directory in _directories)
        {
            Directory.Delete(directory, true);
        }

        _directories.Clear();
    }

    // SNAP-6, SNAP-9, SNAP-10
    [Test]
    public void A_restored_node_has_the_same_state_and_executes_the_next_blocks_like_the_others()
    {
        Trade(8);
        (Abci.Wire.Snapshot offered, ByteString appHash) = Offered();
        Assert.That(offered.Chunks, Is.GreaterThan(4));
        TestValidator late = Newcomer();
        Assert.That(Offer(late, offered, appHash), Is.EqualTo(OfferSnapshotResult.Accept));
        for (uint i = 0; i < offered.Chunks; i++)
        {
            Assert.That(Apply(late, i, Load(offered, i)).Result, Is.EqualTo(ApplySnapshotChunkResult.Accept));
        }

        ResponseInfo info = late.Application.Info(new RequestInfo());
        Assert.That(info.LastBlockHeight, Is.EqualTo((long)offered.Height));
        Assert.That(info.LastBlockAppHash, Is.EqualTo(appHash));
        Assert.That(info.AppVersion, Is.EqualTo(_network.Validators[0].Application.Info(new RequestInfo()).AppVersion));
        foreach (string owner in new[] { "alice", "bob" })
        {
            string account = AccountText.Of(TransactionCodec.AddressOf(Secp256k1.PublicKeyOf(_network.Keys[owner])));
            AssertSameAnswer(late, "/account", new AccountRequest { Account = account });
            AssertSameAnswer(late, "/orders", new OrdersRequest { Account = account });
        }

        AssertSameAnswer(late, "/book", new BookRequest { Market = 1 });
        _network.Followers.Add(late);
        Trade(12);
        late.Application.Dispose();
        late.Application = new Node.Application(new ChainStore(late.Directory), late.Feed, true, NodeLog.Silent);
        Assert.That(late.Application.Height, Is.EqualTo(_network.Height));
        Trade(4);
    }

    // SNAP-10
    [Test]
    public void A_node_that_restarts_right_after_its_snapshot_has_it_and_without_the_last_chunk_is_empty(
        [Values] bool complete)
    {
        Trade(8);
        (Abci.Wire.Snapshot offered, ByteString appHash) = Offered();
        TestValidator late = Newcomer();
        Offer(late, offered, appHash);
        for (uint i = 0; i < offered.Chunks - (complete ? 0u : 1u); i++)
        {
            Apply(late, i, Load(offered, i));
        }

        late.Application.Dispose();
        late.Application = new Node.Application(new ChainStore(late.Directory), late.Feed, true, NodeLog.Silent);
        Assert.That(late.Application.Height, Is.EqualTo(complete ? (long)offered.Height : 0));
        _network.Followers.Add(late);
        if (complete)
        {
            Trade(3);
        }
        else
        {
            Assert.That(Offer(late, offered, appHash), Is.EqualTo(OfferSnapshotResult.Accept));
        }
    }

    // SNAP-5, SNAP-8
    [Test]
    public void Every_wrong_offer_has_its_answer()
    {
        Trade(8);
        (Abci.Wire.Snapshot offered, ByteString appHash) = Offered();
        TestValidator late = Newcomer();
        OfferSnapshotResult With(Action<Abci.Wire.Snapshot> change)
        {
            Abci.Wire.Snapshot copy = offered.Clone();
            change(copy);
            return Offer(late, copy, appHash);
        }

        void Cut(Abci.Wire.Snapshot snapshot, params byte[] depths)
        {
            snapshot.Chunks = (uint)depths.Length;
            snapshot.Metadata = ByteString.CopyFrom(depths);
            snapshot.Hash = ByteString.CopyFrom(SHA256.HashData([.. appHash.Span, .. depths]));
        }

        Assert.That(With(_ => { }), Is.EqualTo(OfferSnapshotResult.Accept));
        Assert.That(With(s => s.Format = 2), Is.EqualTo(OfferSnapshotResult.RejectFormat));
        Assert.That(With(s => s.Height = 0), Is.EqualTo(OfferSnapshotResult.Reject));
        Assert.That(With(s => s.Height = ulong.MaxValue), Is.EqualTo(OfferSnapshotResult.Reject));
        Assert.That(With(s => s.Chunks++), Is.EqualTo(OfferSnapshotResult.RejectSender));
        Assert.That(
            With(s => s.Hash = ByteString.CopyFrom(new byte[32])), Is.EqualTo(OfferSnapshotResult.RejectSender));
        Assert.That(With(s => s.Metadata = ByteString.Empty), Is.EqualTo(OfferSnapshotResult.RejectSender));
        Assert.That(With(s => Cut(s, 1, 1)), Is.EqualTo(OfferSnapshotResult.Accept));
        Assert.That(With(s => Cut(s, 1, 2, 2)), Is.EqualTo(OfferSnapshotResult.Accept));
        Assert.That(With(s => Cut(s)), Is.EqualTo(OfferSnapshotResult.RejectSender), "nothing");
        Assert.That(With(s => Cut(s, 1)), Is.EqualTo(OfferSnapshotResult.RejectSender), "half");
        Assert.That(With(s => Cut(s, 1, 1, 1)), Is.EqualTo(OfferSnapshotResult.RejectSender), "too much");
        Assert.That(With(s => Cut(s, 2, 1, 2)), Is.EqualTo(OfferSnapshotResult.RejectSender), "misplaced");
        Assert.That(With(s => Cut(s, 49, 1)), Is.EqualTo(OfferSnapshotResult.RejectSender), "too deep");
        Assert.That(With(s => Cut(s, 255)), Is.EqualTo(OfferSnapshotResult.RejectSender));
        Assert.That(Offer(late, offered, ByteString.Empty), Is.EqualTo(OfferSnapshotResult.Reject));
        Assert.That(
            late.Application.OfferSnapshot(new RequestOfferSnapshot { AppHash = appHash }).Result,
            Is.EqualTo(OfferSnapshotResult.Reject));
        Assert.That(Offer(_network.Validators[0], offered, appHash), Is.EqualTo(OfferSnapshotResult.Abort));
    }

    // SNAP-9
    [Test]
    public void Every_wrong_chunk_has_its_answer_and_the_right_ones_still_complete_the_snapshot()
    {
        Trade(8);
        (Abci.Wire.Snapshot offered, ByteString appHash) = Offered();
        TestValidator late = Newcomer();
        byte[] good = Load(offered, 0);
        Assert.That(Apply(late, 0, good).Result, Is.EqualTo(ApplySnapshotChunkResult.Abort), "nothing was offered");
        Offer(late, offered, appHash);
        foreach (byte[] bad in new byte[][] { [], [1], good[..^1], [.. good, 0], new byte[5_000] })
        {
            ResponseApplySnapshotChunk answer = Apply(late, 0, bad);
            Assert.That(answer.Result, Is.EqualTo(ApplySnapshotChunkResult.Retry));
            Assert.That(answer.RefetchChunks, Is.EqualTo(new uint[] { 0 }));
            Assert.That(answer.RejectSenders, Is.EqualTo(new[] { "peer" }));
        }

        for (uint i = 1; i <= offered.Chunks; i++)
        {
            uint last = offered.Chunks - i;
            Assert.That(
                Apply(late, last, Load(offered, last)).Result,
                Is.EqualTo(ApplySnapshotChunkResult.Accept),
                "any order");
        }

        Assert.That(late.Application.Height, Is.EqualTo((long)offered.Height));
        Assert.That(Apply(late, 0, good).Result, Is.EqualTo(ApplySnapshotChunkResult.Abort), "it is done");
        late.Application.Dispose();
    }

    // SNAP-9
    [Test]
    public void A_chunk_number_that_is_not_there_and_a_hundred_bad_chunks_reject_the_snapshot()
    {
        Trade(8);
        (Abci.Wire.Snapshot offered, ByteString appHash) = Offered();
        using TestValidatorApplication late = new(Newcomer());
        Offer(late.Validator, offered, appHash);
        Assert.That(
            Apply(late.Validator, offered.Chunks, []).Result, Is.EqualTo(ApplySnapshotChunkResult.RejectSnapshot));
        Offer(late.Validator, offered, appHash);
        for (int i = 1; i < SnapshotRestore.RefusalsMax; i++)
        {
            Assert.That(Apply(late.Validator, 0, [0]).Result, Is.EqualTo(ApplySnapshotChunkResult.Retry));
        }

        Assert.That(Apply(late.Validator, 0, [0]).Result, Is.EqualTo(ApplySnapshotChunkResult.RejectSnapshot));
    }

    // SNAP-9
    [Test]
    public void Rows_that_hash_to_the_app_hash_and_are_no_chain_reject_the_snapshot()
    {
        var tree = new StateTree();
        byte[] root = tree.Apply(5, [new RowChange([200, 1], [1, 2, 3], false)]);
        tree.Commit();
        tree.TryReadChunk(5, ChunkPlace.Whole, 100, out byte[]? chunk);
        var snapshot = new Snapshot(5, root, [ChunkPlace.Whole]);
        using TestValidatorApplication late = new(Newcomer());
        Offer(late.Validator, Wire(snapshot), ByteString.CopyFrom(root));
        Assert.That(Apply(late.Validator, 0, chunk!).Result, Is.EqualTo(ApplySnapshotChunkResult.RejectSnapshot));
        Assert.That(late.Validator.Application.Height, Is.Zero);
    }

    // SNAP-6, SNAP-7
    [Test]
    public void The_newest_are_kept_over_a_restart_and_a_damaged_one_is_no_longer_offered()
    {
        Trade(24);
        Assert.That(Heights(), Is.EqualTo(new ulong[] { 48, 40 }));
        Directory.CreateDirectory(Path.Combine(_snapshotDirectory, "unfinished"));
        _snapshots = new SnapshotStore(_snapshotDirectory, 8, 2, NodeLog.Silent);
        Reopen(0, _snapshots);
        Assert.That(Heights(), Is.EqualTo(new ulong[] { 48, 40 }));
        Assert.That(Directory.Exists(Path.Combine(_snapshotDirectory, "unfinished")), Is.False);

        string file = Path.Combine(_snapshotDirectory, "48", "000000");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(file, bytes);
        Node.Application server = _network.Validators[0].Application;
        var request = new RequestLoadSnapshotChunk { Height = 48, Format = 1, Chunk = 0 };
        Assert.That(server.LoadSnapshotChunk(request).Chunk.IsEmpty, Is.True);
        Assert.That(Heights(), Is.EqualTo(new ulong[] { 40 }));
        foreach (RequestLoadSnapshotChunk wrong in new[]
        {
            new RequestLoadSnapshotChunk { Height = 40, Format = 2 },
            new RequestLoadSnapshotChunk { Height = 40, Format = 1, Chunk = 1_000_000 },
            new RequestLoadSnapshotChunk { Height = ulong.MaxValue, Format = 1 },
            new RequestLoadSnapshotChunk(),
        })
        {
            Assert.That(server.LoadSnapshotChunk(wrong).Chunk.IsEmpty, Is.True);
        }

        File.WriteAllBytes(Path.Combine(_snapshotDirectory, "40", "manifest"), [1, 2, 3]);
        using var reopened = new SnapshotStore(_snapshotDirectory, 8, 2, NodeLog.Silent);
        Assert.That(reopened.List(), Is.Empty);
    }

    // SNAP-7: what a peer asks for never stops the node, not even when the damaged snapshot cannot be removed.
    [Test]
    public void A_damaged_snapshot_that_cannot_be_removed_stops_nobody()
    {
        Trade(8);
        _snapshots.Wait();
        string directory = Path.Combine(_snapshotDirectory, $"{_snapshots.List()[0].Height}");
        string stays = Path.Combine(directory, "stays");
        File.WriteAllBytes(stays, [1]);
        File.Delete(Path.Combine(directory, "000000"));
        if (!TryMakeImmutable(stays, true))
        {
            Assert.Ignore("chattr +i is not permitted here");
        }

        try
        {
            Node.Application server = _network.Validators[0].Application;
            var request = new RequestLoadSnapshotChunk { Height = (ulong)_snapshots.List()[0].Height, Format = 1 };
            Assert.That(server.LoadSnapshotChunk(request).Chunk.IsEmpty, Is.True);
            Assert.That(Heights(), Is.Empty);
            using var reopened = new SnapshotStore(_snapshotDirectory, 8, 2, NodeLog.Silent);
            Assert.That(reopened.List(), Is.Empty, "what is left of it is not taken for a snapshot");
        }
        finally
        {
            TryMakeImmutable(stays, false);
        }
    }

    private static bool TryMakeImmutable(string file, bool isImmutable)
    {
        try
        {
            using Process chattr = Process.Start(
                new ProcessStartInfo("chattr", [isImmutable ? "+i" : "-i", file]) { RedirectStandardError = true })!;
            chattr.WaitForExit();
            return chattr.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    // SNAP-5
    [Test]
    public void Two_nodes_make_the_same_snapshot_of_a_height()
    {
        using var other = new SnapshotStore(NewDirectory(), 8, 2, NodeLog.Silent) { ChunkBytesMax = 400 };
        Reopen(2, other);
        Trade(8);
        other.Wait();
        (Abci.Wire.Snapshot first, _) = Offered();
        Abci.Wire.Snapshot second =
            _network.Validators[2].Application.ListSnapshots(new RequestListSnapshots()).Snapshots[0];
        Assert.That(second, Is.EqualTo(first));
        Assert.That(other.Chunk((long)first.Height, 0), Is.EqualTo(Load(first, 0)));
    }

    // SNAP-11
    [Test]
    public void Blocks_are_given_up_only_below_what_is_kept_and_the_oldest_snapshot()
    {
        _snapshots = new SnapshotStore(NewDirectory(), 10, 2, NodeLog.Silent);
        Reopen(0, _snapshots, keepBlocks: 5);
        Reopen(1, null, keepBlocks: 5);
        var answers = new List<(long Height, long First, long Second, long Before, long After)>();
        for (int i = 0; i < 20; i++)
        {
            long oldest = _snapshots.OldestHeight;
            _network.Step();
            _snapshots.Wait();
            answers.Add((_network.Height, _network.Retained[0], _network.Retained[1], oldest, _snapshots.OldestHeight));
        }

        foreach ((long height, long first, long second, long before, long after) in answers)
        {
            // A snapshot of this height may be finished before or after Commit answers.
            Assert.That(second, Is.EqualTo(height - 4), "without snapshots");
            Assert.That(
                first,
                Is.EqualTo(Math.Min(height - 4, before)).Or.EqualTo(Math.Min(height - 4, after)),
                $"at {height}");
        }

        Assert.That(answers[0].First, Is.Zero);
        Assert.That(answers[^1].First, Is.EqualTo(30));
    }

    private void Trade(int blocks)
    {
        for (int i = 0; i < blocks; i++)
        {
            ulong nonce = (ulong)(_network.Height + 1);
            long price = 500_000 + (_network.Height * 7 % 90);
            _network.Price = price / 10.0;
            _network.Step(
                _network.Sign("alice", nonce, Order(Side.Sell, 5, price + 30), Order(Side.Sell, 3, price)),
                _network.Sign("bob", nonce, Order(Side.Buy, 4, price), Order(Side.Buy, 2, price - 40)));
        }
    }

    private (Abci.Wire.Snapshot Snapshot, ByteString AppHash) Offered()
    {
        _snapshots.Wait();
        Node.Application server = _network.Validators[0].Application;
        Abci.Wire.Snapshot newest = server.ListSnapshots(new RequestListSnapshots()).Snapshots[0];
        return (newest, ByteString.CopyFrom(_snapshots.List()[0].AppHash));
    }

    private ulong[] Heights()
    {
        _snapshots.Wait();
        return
        [
            .. _network.Validators[0].Application.ListSnapshots(new RequestListSnapshots()).Snapshots
                .Select(s => s.Height),
        ];
    }

    private static Abci.Wire.Snapshot Wire(Snapshot snapshot) => new()
    {
        Height = (ulong)snapshot.Height,
        Format = Snapshot.Format,
        Chunks = (uint)snapshot.Places.Count,
        Hash = ByteString.CopyFrom(snapshot.Hash()),
        Metadata = ByteString.CopyFrom(snapshot.Metadata()),
    };

    private byte[] Load(Abci.Wire.Snapshot snapshot, uint index) =>
        _network.Validators[0].Application.LoadSnapshotChunk(
            new RequestLoadSnapshotChunk
            {
                Height = snapshot.Height,
                Format = snapshot.Format,
                Chunk = index,
            }).Chunk.ToByteArray();

    private static OfferSnapshotResult Offer(TestValidator node, Abci.Wire.Snapshot snapshot, ByteString appHash) =>
        node.Application.OfferSnapshot(new RequestOfferSnapshot { Snapshot = snapshot, AppHash = appHash }).Result;

    private static ResponseApplySnapshotChunk Apply(TestValidator node, uint index, byte[] chunk) =>
        node.Application.ApplySnapshotChunk(new RequestApplySnapshotChunk
        {
            Index = index, Chunk = ByteString.CopyFrom(chunk), Sender = "peer",
        });

    private void AssertSameAnswer(TestValidator late, string path, IMessage data)
    {
        var request = new RequestQuery { Path = path, Data = data.ToByteString() };
        ResponseQuery expected = _network.Validators[1].Application.Query(request);
        Assert.That(expected.Code, Is.Zero, expected.Log);
        Assert.That(expected.Value.Length, Is.GreaterThan(20));
        Assert.That(late.Application.Query(request), Is.EqualTo(expected), path);
    }

    // A node without validator duties of its own keys: it signs with those of the first.
    private TestValidator Newcomer()
    {
        TestValidator first = _network.Validators[0];
        string directory = NewDirectory();
        var feed = new PriceFeed();
        return new TestValidator
        {
            SecretKey = first.SecretKey,
            PublicKey = first.PublicKey,
            Address = first.Address,
            Feed = feed,
            Directory = directory,
            Application = new Node.Application(new ChainStore(directory), feed, true, NodeLog.Silent),
        };
    }

    private void Reopen(int index, SnapshotStore? snapshots, long keepBlocks = 0)
    {
        TestValidator validator = _network.Validators[index];
        validator.Application.Dispose();
        validator.Application = new Node.Application(
            new ChainStore(validator.Directory), validator.Feed, true, NodeLog.Silent, null, snapshots, keepBlocks);
    }

    private string NewDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("appchain-snapshot-").FullName;
        _directories.Add(directory);
        return directory;
    }

    private sealed record TestValidatorApplication(TestValidator Validator) : IDisposable
    {
        public void Dispose() => Validator.Application.Dispose();
    }
}
