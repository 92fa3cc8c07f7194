using System;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>What the database takes of the disk beside the rows.</summary>
[TestFixture]
public sealed class RocksDbTests
{
    private const int Records = 48;
    private const int RecordBytes = 1 << 20;
    private const long Bound = 4L << 20;
    private string _directory = "";

    [SetUp]
    public void CreateDirectory() => _directory = Directory.CreateTempSubdirectory("appchain-rocks-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, true);

    /// <summary>As the store writes: large records of one family, a few bytes of another with each.</summary>
    [TestCase(0)]
    [TestCase(Bound)]
    public void Its_log_stays_below_the_bound_and_grows_without_one(long bound)
    {
        byte[] record = new byte[RecordBytes];
        long most = 0;
        using (var db = new RocksDb(_directory, ["default", "changelog", "rows"], bound))
        {
            for (int i = 0; i < Records; i++)
            {
                new Random(i).NextBytes(record);
                using RocksDb.WriteBatch batch = db.NewBatch();
                batch.Put(DiskLayout.Meta, "rows-height"u8, DiskLayout.Key(i));
                batch.Put(DiskLayout.ChangeLog, DiskLayout.Key(i), record);
                db.Write(batch, durable: i % 4 == 0);
                most = Math.Max(most, Directory.EnumerateFiles(_directory, "*.log").Sum(Length));
            }
        }

        // The family is written out behind the writes, which meanwhile go on into a new file.
        TestContext.Out.WriteLine($"{most >> 20} MiB at most of {Records} MiB written");
        long half = Records / 2 * (long)RecordBytes;
        Assert.That(most, bound > 0 ? Is.LessThan(half) : Is.GreaterThan(half));
        using var again = new RocksDb(_directory, ["default", "changelog", "rows"], bound);
        Assert.That(again.Get(DiskLayout.Meta, "rows-height"u8), Is.EqualTo(DiskLayout.Key(Records - 1)));
        for (int i = 0; i < Records; i++)
        {
            new Random(i).NextBytes(record);
            Assert.That(again.Get(DiskLayout.ChangeLog, DiskLayout.Key(i)).AsSpan().SequenceEqual(record), $"{i}");
        }
    }

    // A file may go between the list and the look.
    private static long Length(string file)
    {
        try
        {
            return new FileInfo(file).Length;
        }
        catch (FileNotFoundException)
        {
            return 0;
        }
    }
}
