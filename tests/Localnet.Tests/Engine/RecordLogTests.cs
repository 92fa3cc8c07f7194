using System;
using System.Collections.Generic;
using System.IO;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class RecordLogTests
{
    [Test]
    public void Records_are_found_again_after_reopening_and_the_last_one_counts()
    {
        MemoryStream stream = new();
        RecordLog log = new(stream);
        log.Append(1, 5, [1, 2, 3]);
        log.Append(2, 5, []);
        log.Append(1, 5, [9]);
        log.Append(1, 4, new byte[1000]);
        RecordLog again = new(stream);
        Assert.Multiple(() =>
        {
            Assert.That(again.Read(1, 5), Is.EqualTo(new byte[] { 9 }));
            Assert.That(again.Read(2, 5), Is.Empty);
            Assert.That(again.Read(2, 6), Is.Null);
            Assert.That(again.Read(1, 4), Has.Length.EqualTo(1000));
            Assert.That(again.Heights(1), Is.EqualTo(new long[] { 4, 5 }));
        });
    }

    [Test]
    public void Records_are_found_in_whatever_order_their_heights_came()
    {
        Random random = new(1);
        MemoryStream stream = new();
        RecordLog log = new(stream);
        SortedDictionary<long, byte> last = [];
        for (int i = 0; i < 500; i++)
        {
            long height = random.Next(200);
            log.Append(1, height, [last[height] = (byte)random.Next(256)]);
        }
        foreach (RecordLog each in (RecordLog[])[log, new RecordLog(stream)])
        {
            Assert.That(each.Heights(1), Is.EqualTo(last.Keys));
            for (long height = -1; height <= 200; height++)
            {
                byte[]? expected = last.TryGetValue(height, out byte value) ? [value] : null;
                Assert.That(each.Read(1, height), Is.EqualTo(expected), $"height {height}");
            }
        }
    }

    [Test]
    public void A_torn_or_damaged_tail_is_cut_off_at_any_byte()
    {
        MemoryStream whole = new();
        RecordLog log = new(whole);
        log.Append(1, 1, [1, 2, 3]);
        long firstEnd = whole.Length;
        log.Append(1, 2, [4, 5, 6]);
        byte[] bytes = whole.ToArray();
        for (int length = (int)firstEnd; length < bytes.Length; length++)
        {
            MemoryStream torn = new();
            torn.Write(bytes, 0, length);
            RecordLog reopened = new(torn);
            Assert.That(reopened.Heights(1), Is.EqualTo(new long[] { 1 }));
            reopened.Append(1, 3, [7]);
            Assert.That(new RecordLog(torn).Heights(1), Is.EqualTo(new long[] { 1, 3 }));
        }
        for (int i = (int)firstEnd; i < bytes.Length; i++)
        {
            byte[] damaged = (byte[])bytes.Clone();
            damaged[i] ^= 0x40;
            MemoryStream stream = new();
            stream.Write(damaged);
            Assert.That(new RecordLog(stream).Read(1, 2), Is.Null, $"byte {i}");
        }
    }

    [Test]
    public void A_log_on_disk_survives_being_closed()
    {
        string path = Path.Combine(Path.GetTempPath(), $"record-log-{Guid.NewGuid():N}", "blocks.log");
        using (RecordLog log = RecordLog.Open(path)) log.Append(3, 7, [1]);
        using (RecordLog log = RecordLog.Open(path))
        {
            Assert.That(log.Read(3, 7), Is.EqualTo(new byte[] { 1 }));
            log.Clear();
            Assert.That(log.Read(3, 7), Is.Null);
        }
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }
}
