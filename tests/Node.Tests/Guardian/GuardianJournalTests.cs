using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>
/// The memory of a guardian after a crash: whatever it signed is there, half a line is not, and damage is never passed
/// over.
/// </summary>
[TestFixture]
public sealed class GuardianJournalTests
{
    private readonly List<string> _said = [];
    private string _file = "";

    [SetUp]
    public void Start()
    {
        _said.Clear();
        _file = Path.Combine(Directory.CreateTempSubdirectory("appchain-journal-").FullName, "journal");
    }

    [TearDown]
    public void End() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);

    private GuardianJournal Open() => new(_file, "c-1", _said.Add);

    // Withdrawal 1, 2, ... of 10, 20, ... micro-USD.
    private byte[] Written(int signatures)
    {
        using (GuardianJournal journal = Open())
        {
            for (int i = 1; i <= signatures; i++)
            {
                journal.Add((ulong)i, 1, 10 * i, "6162", 1_000 + i);
            }
        }

        return File.ReadAllBytes(_file);
    }

    [Test]
    public void Cut_at_any_byte_it_has_every_line_that_was_whole_and_goes_on()
    {
        byte[] whole = Written(3);
        for (int length = 0; length <= whole.Length; length++)
        {
            _said.Clear();
            File.WriteAllBytes(_file, whole[..length]);
            int lines = whole[..length].Count(static one => one == '\n');
            int end = Array.LastIndexOf(whole, (byte)'\n', Math.Max(0, length - 1), length) + 1;
            using (GuardianJournal journal = Open())
            {
                Assert.That(
                    journal.SignedSince(0, 0), Is.EqualTo((Int128)Enumerable.Range(1, lines).Sum(one => 10 * one)));
                Assert.That(new FileInfo(_file).Length, Is.EqualTo(end), $"cut at {length}");
                journal.Add(9, 4, 7, "63", 2_000);
            }

            Assert.That(_said, Has.Count.EqualTo(length == end ? 0 : 1));
            Assert.That(_said, Has.All.Contains($"half a line after line {lines} was cut off"));
            Assert.That(File.ReadLines(_file).Count(), Is.EqualTo(lines + 1));
            using GuardianJournal again = Open();
            Assert.That(again.Find(9), Is.EqualTo(new SignedRelease("c-1", 9, 4, 7, "63", 2_000)));
        }
    }

    [Test]
    public void A_line_that_lost_a_part_before_its_end_refuses_the_start_and_stays_as_it_is()
    {
        byte[] whole = Written(3);
        int second = Array.IndexOf(whole, (byte)'\n') + 1;
        int third = Array.IndexOf(whole, (byte)'\n', second) + 1;

        // The end of each line stays; what is before it is gone from some byte on.
        foreach ((int from, int to, int number) in ((int, int, int)[])
            [(0, second - 1, 1), (second, third - 1, 2), (third, whole.Length - 1, 3)])
        {
            for (int cut = from; cut < to; cut++)
            {
                byte[] damaged = [.. whole[..cut], .. whole[to..]];
                File.WriteAllBytes(_file, damaged);
                Assert.That(
                    Open, Throws.TypeOf<FormatException>().With.Message.Contains($"line {number} "), $"cut at {cut}");
                Assert.That(File.ReadAllBytes(_file), Is.EqualTo(damaged));
            }
        }

        Assert.That(_said, Is.Empty);
    }

    [TestCase("{}")]
    [TestCase("null")]
    [TestCase("")]
    [TestCase("{\"ChainId\":\"c-1\",\"Withdrawal\":1,\"Sequence\":1,\"Amount\":5,\"Time\":1}")]
    public void A_line_that_is_no_record_refuses_the_start(string line)
    {
        File.WriteAllText(_file, line + "\n");
        Assert.That(Open, Throws.TypeOf<FormatException>().With.Message.Contains("line 1 "));
    }

    [Test]
    public void What_a_failed_write_left_behind_is_cut_before_the_next_line()
    {
        byte[] whole = Written(1);
        using (GuardianJournal journal = Open())
        {
            // As another program: locks of files are asked for by .NET alone.
            using (Process shell = Process.Start("/bin/sh", ["-c", $"printf '{{\"Chain' >> {_file}"]))
            {
                shell.WaitForExit();
            }

            Assert.That(File.Exists(_file) && new FileInfo(_file).Length > whole.Length);
            journal.Add(2, 1, 20, "6162", 1_002);
        }

        using GuardianJournal again = Open();
        Assert.That(again.SignedSince(0, 0), Is.EqualTo((Int128)30));
        Assert.That(_said, Is.Empty);
    }

    [Test]
    public void Two_guardians_never_have_one_journal()
    {
        Written(1);
        using GuardianJournal journal = Open();
        Assert.That(Open, Throws.TypeOf<IOException>().With.Message.Contains(_file));
    }
}
