using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests.Faults;

/// <summary>
/// What was committed survives kills, a full disk and a broken invariant; what was not is never acknowledged.
/// </summary>
[TestFixture]
public sealed class DurabilityTests
{
    private string _home = "";

    [SetUp]
    public void CreateHome() => _home = Directory.CreateTempSubdirectory("appchain-fault-").FullName;

    [TearDown]
    public void RemoveHome() => Directory.Delete(_home, true);

    private string Endpoint => "unix://" + Path.Combine(_home, "app.sock");

    [Test]
    public void A_node_killed_at_random_moments_goes_on_from_its_last_durable_block()
    {
        NodeProcess.Configure(_home, Endpoint);
        var hashes = new Dictionary<long, byte[]>();
        var random = new Random(4);
        long acknowledged = 0;
        var clock = Stopwatch.StartNew();
        int kills = 0;

        // As long as it takes: on a busy machine many lives end before their first block, and the next ones are longer.
        int idle = 0;
        while ((kills < 10 || acknowledged <= 10) && clock.Elapsed < TimeSpan.FromSeconds(120))
        {
            using var node = new NodeProcess(_home);
            using AbciClient client = node.Dial(Endpoint);
            ResponseInfo info = client.Info(new RequestInfo());
            Assert.That(info.LastBlockHeight, Is.InRange(acknowledged, acknowledged + 1));
            if (info.LastBlockHeight == 0)
            {
                client.InitChain(EmptyBlocks.Genesis());
            }
            else
            {
                Assert.That(info.LastBlockAppHash.ToByteArray(), Is.EqualTo(hashes[info.LastBlockHeight]));
            }

            using var killer = new Timer(
                _ => node.Kill(), null, random.Next(5, 250) << Math.Min(idle, 5), Timeout.Infinite);
            long before = acknowledged;
            acknowledged = Drive(client, info.LastBlockHeight, hashes);
            idle = acknowledged > before ? 0 : idle + 1;
            node.Kill();
            kills++;
        }

        Assert.That(kills, Is.GreaterThanOrEqualTo(3));
        Assert.That(acknowledged, Is.GreaterThan(10));
        AssertReplayed(hashes, acknowledged);
        TestContext.Out.WriteLine($"{kills} kills, {acknowledged} blocks");
    }

    [Test]
    public void A_full_disk_acknowledges_nothing_and_loses_nothing()
    {
        string disk = Directory.CreateDirectory(Path.Combine(_home, "disk")).FullName;
        if (Run("mount", "-t", "tmpfs", "-o", "size=24m", "none", disk) != 0)
        {
            Assert.Ignore("needs the permission to mount a small file system");
        }

        try
        {
            NodeProcess.Configure(_home, Endpoint, Path.Combine(disk, "data"));
            var hashes = new Dictionary<long, byte[]>();
            long durable;
            string ballast = Path.Combine(disk, "ballast");
            using (var node = new NodeProcess(_home))
            using (AbciClient client = node.Dial(Endpoint))
            {
                client.InitChain(EmptyBlocks.Genesis());
                durable = Drive(client, 0, hashes, until: 5);
                Fill(ballast);
                durable = Drive(client, durable, hashes, until: 5_000);
                Assert.That(durable, Is.LessThan(5_000), "the disk was never full");
                Assert.That(node.WaitForExit(), Is.EqualTo(3), node.Said);
                Assert.That(node.Said, Does.Contain("the disk is full; free space and start again"));
            }

            File.Delete(ballast);
            using var restarted = new NodeProcess(_home);
            using AbciClient again = restarted.Dial(Endpoint);
            ResponseInfo info = again.Info(new RequestInfo());
            Assert.That(info.LastBlockHeight, Is.EqualTo(durable));
            Assert.That(info.LastBlockAppHash.ToByteArray(), Is.EqualTo(hashes[durable]));
            Assert.That(Drive(again, durable, hashes, until: durable + 5), Is.EqualTo(durable + 5));
        }
        finally
        {
            Run("umount", disk);
        }
    }

    [Test]
    public void A_broken_invariant_stops_the_node_with_code_3_and_commits_nothing()
    {
        NodeProcess.Configure(_home, Endpoint);
        byte[] hash = WriteRowsThatDoNotAddUp(Path.Combine(_home, "data"));
        for (int attempt = 0; attempt < 2; attempt++)
        {
            using var node = new NodeProcess(_home);
            using AbciClient client = node.Dial(Endpoint);
            ResponseInfo info = client.Info(new RequestInfo());
            Assert.That(info.LastBlockHeight, Is.Zero);
            Assert.That(info.LastBlockAppHash.ToByteArray(), Is.EqualTo(hash));
            var told = Assert.Throws<AbciException>(() => client.FinalizeBlock(EmptyBlocks.Block(1)));
            Assert.That(node.WaitForExit(), Is.EqualTo(3), node.Said);
            Assert.That(node.Said, Does.Contain("stopped at height 0").And.Contain("pool.Held =="));
            Assert.That(told!.Message, Is.Not.Empty);
        }

        using var store = new ChainStore(Path.Combine(_home, "data"));
        Assert.That(store.Height, Is.Zero, "nothing was committed");
    }

    // Decides blocks until the node is gone or the height is reached; the last height whose Commit was answered. A
    // block that was executed before must give the hash that it gave then.
    private static long Drive(
        AbciClient client, long height, Dictionary<long, byte[]> hashes, long until = long.MaxValue)
    {
        try
        {
            while (height < until)
            {
                byte[] hash = client.FinalizeBlock(EmptyBlocks.Block(height + 1)).AppHash.ToByteArray();
                Assert.That(hash, Is.EqualTo(hashes.GetValueOrDefault(height + 1, hash)), $"hash of {height + 1}");
                hashes[height + 1] = hash;
                client.Commit(new RequestCommit());
                height++;
            }
        }
        catch (Exception gone) when (gone is AbciException or IOException)
        {
            // The node ended in the middle of a call.
        }

        return height;
    }

    private void AssertReplayed(Dictionary<long, byte[]> hashes, long last)
    {
        string directory = Directory.CreateDirectory(Path.Combine(_home, "replay")).FullName;
        using var twin = new Node.Application(new ChainStore(directory), null, false, NodeLog.Silent);
        twin.InitChain(EmptyBlocks.Genesis());
        for (long height = 1; height <= last; height++)
        {
            Assert.That(
                twin.FinalizeBlock(EmptyBlocks.Block(height)).AppHash.ToByteArray(), Is.EqualTo(hashes[height]));
            twin.Commit(new RequestCommit());
        }
    }

    // A store that is sound as a store, its rows hashing to its app hash, whose pool holds a unit that nobody owns.
    private static byte[] WriteRowsThatDoNotAddUp(string directory)
    {
        Abci.Wire.RequestInitChain request = EmptyBlocks.Genesis();
        GenesisState genesis = GenesisFile.Parse(request.AppStateBytes.ToStringUtf8());
        byte[] key = EmptyBlocks.PublicKey();
        var address = new StateMachine.Address(System.Security.Cryptography.SHA256.HashData(key).AsSpan(
            0, StateMachine.Address.Size));
        IReadOnlyList<RowChange> rows = Exchange.FromGenesis(new Genesis
        {
            ChainId = request.ChainId,
            InitialHeight = 1,
            Time = EmptyBlocks.GenesisTime,
            Validators = [new StateMachine.Validator(address, [.. key], 10)],
            Markets = genesis.Markets,
            Accounts = genesis.Accounts,
            InsuranceFund = genesis.InsuranceFund,
        }).Commit();
        var changed = new List<RowChange>();
        foreach (RowChange row in rows)
        {
            changed.Add(
                row.Key[0] == (byte)RowKind.Pool ? new RowChange(row.Key, WithOneMore(row.Value!), false) : row);
        }

        var tree = new StateTree();
        byte[] root = tree.Apply(0, changed);
        tree.Commit();
        using var store = new ChainStore(directory);
        store.Append(ChangeRecord.Of(0, root, changed, tree));
        return root;
    }

    private static byte[] WithOneMore(byte[] pool)
    {
        var none = new ByteReader([]);
        var reader = new ByteReader(pool);
        PoolRow row = PoolRow.Decode(ref none, ref reader);
        row.Held++;
        var writer = new ByteWriter();
        PoolRow.EncodeValue(row, ref writer);
        return writer.ToArray();
    }

    private static void Fill(string path)
    {
        using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] page = new byte[4_096];
        try
        {
            while (true)
            {
                file.Write(page);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
