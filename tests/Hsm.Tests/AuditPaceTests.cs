using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Rule SIGN-40: whoever may ask the signer cannot fill its disk, and nothing that was signed is left out.
/// </summary>
[TestFixture]
public sealed class AuditPaceTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("appchain-audit-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private string Audit => Path.Combine(_folder, "audit");

    [Test]
    [Property("Spec", "SIGN-40")]
    public void An_engine_that_asks_for_what_is_refused_adds_a_few_lines_and_each_is_counted()
    {
        const int questions = 100_000;
        using SoftwareKey key = SoftwareKey.Create(Path.Combine(_folder, "key"));
        using (AuditLog audit = new(Audit))
        {
            ConsensusSigner signer = Signer(key, audit);
            signer.SignVote(Votes.Block(SignedMsgType.Prevote, 9, 0, 3));
            for (int i = 0; i < questions; i++)
            {
                // Another reason, height and block each time.
                Assert.That(
                    () => signer.SignVote(Votes.Block(SignedMsgType.Prevote, 1 + (i % 8), i, (byte)(1 + (i % 200)))),
                    Throws.TypeOf<SigningRefusedException>());
                if (i % 100 == 0) signer.SignVote(Votes.Block(SignedMsgType.Prevote, 9, 0, 3));
            }
            signer.SignVote(Votes.Block(SignedMsgType.Precommit, 9, 0, 3));
        }
        List<(string Outcome, string Detail)> lines = Lines();
        Assert.That(lines, Has.Count.LessThan(60));
        Assert.That((lines[0].Outcome, lines[^1].Outcome), Is.EqualTo(("signed", "signed")));
        Assert.That(Told(lines, "refused"), Is.EqualTo(questions));
        Assert.That(Told(lines, "repeated"), Is.EqualTo(questions / 100));
        Assert.That(AuditLog.Verify(Audit).Fault, Is.Null);
    }

    [Test]
    [Property("Spec", "SIGN-40")]
    public void Every_place_that_is_signed_has_its_line_whatever_is_asked_in_between()
    {
        const int heights = 200;
        using SoftwareKey key = SoftwareKey.Create(Path.Combine(_folder, "key"));
        using (AuditLog audit = new(Audit))
        {
            ConsensusSigner signer = Signer(key, audit);
            for (int height = 1; height <= heights; height++)
            {
                for (int i = 0; i < 40; i++)
                {
                    Assert.That(
                        () => signer.SignVote(Votes.Block(SignedMsgType.Prevote, 0, i, 1)),
                        Throws.TypeOf<SigningRefusedException>());
                }
                signer.SignVote(Votes.Block(SignedMsgType.Prevote, height, 0, 3));
            }
        }
        List<(string Outcome, string Detail)> lines = Lines();
        Assert.That(lines.Count(line => line.Outcome is "signed"), Is.EqualTo(heights));
        Assert.That(Told(lines, "refused"), Is.EqualTo(40 * heights));
        Assert.That(
            lines,
            Has.Count.EqualTo(heights * (1 + 16 + 1 + 2)),
            "16, then the 32nd, and before it and the next what was left out");
    }

    /// <summary>
    /// A signature whose line could not be written does not leave, and not on a second question either: the repetition
    /// is then the first line of its place.
    /// </summary>
    [Test]
    [Property("Spec", "SIGN-40")]
    public void A_repetition_after_a_line_that_failed_is_never_left_out()
    {
        AuditPace pace = new();
        AuditEntry signed = new("signed", 5, 0, SignStep.Prevote, "aa", "");
        for (int i = 0; i < 100; i++) pace.IsDue(new AuditEntry("refused", 1, 0, SignStep.Prevote, "", ""));
        Assert.That(pace.IsDue(signed), "its line fails, so that Written is not called");
        AuditEntry repeated = signed with { Outcome = "repeated" };
        Assert.That(pace.IsDue(repeated), "fails again");
        Assert.That(pace.IsDue(repeated));
        pace.Written(repeated);
        Assert.That(pace.IsDue(repeated), Is.False);
    }

    [Test]
    [Property("Spec", "SIGN-40")]
    public void What_was_left_out_is_told_when_the_process_ends_and_after_a_place_that_another_signer_recorded()
    {
        using (AuditLog audit = new(Audit))
        {
            Refuse(audit, 20);
            audit.Append("c", new AuditEntry("witnessed", 7, 0, SignStep.Prevote, "", ""));
            for (int i = 0; i < 20; i++) audit.Append("c", new AuditEntry("witnessed", 7, 0, SignStep.Prevote, "", ""));
        }
        List<(string Outcome, string Detail)> lines = Lines();
        Assert.That(lines.Select(line => line.Outcome), Is.EqualTo((string[])
        [
            .. Enumerable.Repeat("refused", 16), "omitted", "witnessed",
            .. Enumerable.Repeat("witnessed", 16), "omitted",
        ]));
        Assert.That(lines[16].Detail, Is.EqualTo("4 refused, 0 failed, 0 repeated: not told one by one"));
        Assert.That(lines[^1].Detail, Is.EqualTo("0 refused, 0 failed, 4 repeated: not told one by one"));
        Assert.That(AuditLog.Verify(Audit).Fault, Is.Null);
    }

    private static void Refuse(AuditLog audit, int times)
    {
        for (int i = 0; i < times; i++) audit.Append("c", new AuditEntry("refused", i, 0, SignStep.Prevote, "", "why"));
    }

    private static ConsensusSigner Signer(SoftwareKey key, AuditLog audit) => new(
        "chain", key, new SignGuard(SignState.Fresh, static _ => { }), null,
        new SigningNotes("chain", audit, new SignerMetrics()));

    // Lines of an outcome, and those of it that lines of what was left out tell of.
    private static int Told(List<(string Outcome, string Detail)> lines, string outcome) =>
        lines.Count(line => line.Outcome == outcome) + lines
            .Where(line => line.Outcome is "omitted")
            .Sum(line => int.Parse(line.Detail.Split($" {outcome}")[0].Split(' ')[^1]));

    private List<(string Outcome, string Detail)> Lines() =>
    [
        .. File.ReadLines(Audit).Select(static line => JsonDocument.Parse(line).RootElement)
            .Select(static json => (json.GetProperty("outcome").GetString()!, json.GetProperty("detail").GetString()!)),
    ];
}
