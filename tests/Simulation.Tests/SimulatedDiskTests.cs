using System;
using System.Collections.Generic;
using System.Text;
using AppChain.Localnet;
using AppChain.Node;
using NUnit.Framework;

namespace AppChain.Simulation.Tests;

public sealed class SimulatedDiskTests
{
    private static void Write(SimulatedDisk disk, string key, bool durable)
    {
        using IWriteBatch batch = disk.NewBatch();
        batch.Put(1, Encoding.UTF8.GetBytes(key), [1, 2, 3]);
        batch.Put(2, Encoding.UTF8.GetBytes(key), [4]);
        disk.Write(batch, durable);
    }

    private static bool Has(SimulatedDisk disk, int family, string key) =>
        disk.Get(family, Encoding.UTF8.GetBytes(key)) is not null;

    [Test]
    public void What_was_flushed_survives_and_the_rest_survives_as_whole_batches_from_the_front([Range(1, 30)] int seed)
    {
        SimulatedDisk disk = new(families: 3, (_, _) => { });
        Write(disk, "a", durable: false);
        Write(disk, "b", durable: true);
        for (char key = 'c'; key < 'h'; key++) Write(disk, $"{key}", durable: false);
        disk.LosePower(new Random(seed));
        Assert.That(Has(disk, 1, "a") && Has(disk, 1, "b"), "flushed");
        bool isCut = false;
        for (char key = 'c'; key < 'h'; key++)
        {
            bool found = Has(disk, 1, $"{key}");
            Assert.That(Has(disk, 2, $"{key}"), Is.EqualTo(found), "a batch is whole");
            Assert.That(found && isCut, Is.False, "nothing comes after what was lost");
            isCut |= !found;
        }
        Write(disk, "z", durable: true);
        disk.LosePower(new Random(seed));
        Assert.That(Has(disk, 1, "z"), "the disk can be written again");
    }

    [Test]
    public void A_file_of_the_engine_keeps_what_was_synchronised_when_the_machine_goes([Range(1, 10)] int seed)
    {
        Random random = new(seed);
        TornStream file = new(_ => { }, random.NextDouble);
        RecordLog log = new(file, file.Sync);
        log.Append(1, 1, [1]);
        log.Sync();
        log.Append(1, 2, [2]);
        log.Append(1, 3, [3]);
        file.LosePower();
        RecordLog found = new(file, file.Sync);
        Assert.That(found.Read(1, 1), Is.EqualTo(new byte[] { 1 }));
        Assert.That(found.Read(1, 3), found.Read(1, 2) is null ? Is.Null : Is.Null.Or.EqualTo(new byte[] { 3 }));
        found.Clear();
        found.Append(1, 4, [4]);
        file.LosePower();
        List<long> heights = new RecordLog(file).Heights(1);
        Assert.That(
            heights,
            Is.EqualTo(new long[] { 4 }).Or.Empty.Or.Contain(1L),
            "the old content, a part of the new, or nothing");
    }

    [Test]
    public void A_process_that_dies_while_it_writes_leaves_a_record_that_is_cut_off()
    {
        bool dies = false;
        TornStream file = new(_ => { if (dies) throw new SimulatedCrash(); }, () => 0.5);
        RecordLog log = new(file);
        log.Append(1, 1, [1, 2, 3]);
        dies = true;
        Assert.That(() => log.Append(1, 2, [4, 5, 6]), Throws.TypeOf<SimulatedCrash>());
        Assert.That(file.Length, Is.GreaterThan(20), "half of it is there");
        dies = false;
        RecordLog reopened = new(file);
        Assert.That(reopened.Heights(1), Is.EqualTo(new long[] { 1 }));
        reopened.Append(1, 2, [7]);
        Assert.That(new RecordLog(file).Read(1, 2), Is.EqualTo(new byte[] { 7 }));
    }
}
