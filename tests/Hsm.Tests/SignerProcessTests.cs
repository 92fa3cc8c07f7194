using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Hsm.Tests;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>A signer as it is started: configuration, audit log, figures, refusals to start.</summary>
internal sealed class SignerProcessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private string _folder = "";

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateTempSubdirectory("appchain-process-").FullName;
        SoftwareKey.Create(In("consensus.key")).Dispose();
        SoftwareKey.Create(In("second.key")).Dispose();
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    [Property("Spec", "SIGN-25")]
    [Property("Spec", "SIGN-35")]
    [Property("Spec", "SIGN-37")]
    public async Task Several_chains_and_engines_are_served_at_once_with_figures_and_audit()
    {
        using SignerListener active = new($"unix://{In("a.sock")}", "one", Patience);
        using SignerListener standby = new("tcp://127.0.0.1:0", "one", Patience);
        using SignerListener other = new($"unix://{In("c.sock")}", "two.chain", Patience);
        File.WriteAllText(In("signer.conf"), $"""
            metrics = 127.0.0.1:{Ports.Free()}   # figures
            chain.one.key = consensus.key
            chain.one.state = one.json
            chain.one.audit = one.audit
            chain.one.engine = unix://{In("a.sock")}
            chain.one.engine = {standby.Address}
            chain.two.chain.key = second.key
            chain.two.chain.state = two.json
            chain.two.chain.engine = unix://{In("c.sock")}
            """);
        SignerConfig config = SignerConfig.Read(In("signer.conf"));
        using (Running running = new(config, new SignerStart(true, false, false)))
        {
            Vote vote = Votes.Block(SignedMsgType.Prevote, 5, 0, 1);
            active.SignVote(vote);
            Assert.That(standby.SignVote(vote).Signature.IsEmpty, Is.False);
            Assert.That(() => standby.SignVote(Votes.Block(SignedMsgType.Prevote, 5, 0, 2)),
                Throws.TypeOf<SigningRefusedException>());
            other.SignVote(Votes.Block(SignedMsgType.Prevote, 99, 0, 3));
            using HttpClient client = new();
            string figures = await client.GetStringAsync(new Uri($"http://{config.Metrics}/metrics"));
            Assert.That(figures, Does.Contain("# TYPE appchain_signer_requests_total counter"));
            Assert.That(figures, Does.Contain(
                "appchain_signer_requests_total{chain=\"one\",step=\"Prevote\",outcome=\"refused\"} 1"));
            Assert.That(figures, Does.Contain("appchain_signer_height{chain=\"two.chain\"} 99"));
            Assert.That(figures, Does.Contain("appchain_signer_device_seconds_count 2"));
        }
        string[] lines = File.ReadAllLines(In("one.audit"));
        Assert.That(lines.Select(line => line.Split("\"outcome\":\"")[1].Split('"')[0]),
            Is.EqualTo((string[])["signed", "repeated", "refused"]));
        Assert.That(AuditLog.Verify(In("one.audit")).Fault, Is.Null);
    }

    /// <summary>Two of three would be one of one: a configuration copied to the other machine as it is.</summary>
    [Test]
    [Property("Spec", "SIGN-32")]
    public void A_signer_is_never_its_own_witness()
    {
        using SoftwareKey own = SoftwareKey.Create(In("identity"));
        using SoftwareKey other = SoftwareKey.Create(In("other"));
        string address = $"tcp://127.0.0.1:{Ports.Free()}";
        SignerConfig config = new()
        {
            Identity = In("identity"),
            Listen = address,
            Peers =
            [
                new SignerPeer(other.PublicKey, $"tcp://127.0.0.1:{Ports.Free()}"),
                new SignerPeer(own.PublicKey, address),
            ],
            Chains = [new SignerChain { ChainId = "one", Key = In("consensus.key"), State = In("one.json") }],
        };
        Assert.That(
            () => new SignerProcess(
                config, new SignerStart(true, false, false), SoftwareKey.Load, static _ => { }).Dispose(),
            Throws.TypeOf<IOException>().With.Message.Contains("is this machine itself"));
    }

    [TestCase(0, "change")]
    [TestCase(3, "change")]
    [TestCase(2, "delete")]
    [TestCase(2, "repeat")]
    [TestCase(2, "swap")]
    [Property("Spec", "SIGN-36")]
    public void Whatever_is_done_to_audit_lines_is_found(int line, string what)
    {
        using (AuditLog log = new(In("audit")))
        {
            for (int i = 1; i <= 6; i++)
            {
                log.Append("chain", new AuditEntry("signed", i, 0, SignStep.Prevote, "aa", "a \"detail\"\n"));
            }
        }
        Assert.That(AuditLog.Verify(In("audit")), Is.EqualTo(new AuditCheck(1, 6, Hash(5), null, "")));
        List<string> lines = [.. File.ReadAllLines(In("audit"))];
        switch (what)
        {
            case "change":
                lines[line] = lines[line].Replace("\"height\":", "\"height\":1", StringComparison.Ordinal);
                break;
            case "delete":
                lines.RemoveAt(line);
                break;
            case "repeat":
                lines.Insert(line, lines[line]);
                break;
            default:
                (lines[line], lines[line + 1]) = (lines[line + 1], lines[line]);
                break;
        }
        File.WriteAllLines(In("audit"), lines);
        AuditCheck check = AuditLog.Verify(In("audit"));
        Assert.That(check.Fault, Does.StartWith($"line {check.Lines + 1}: "));
        Assert.That(check.Lines, Is.EqualTo(what == "repeat" ? line + 1 : line));

        string Hash(int index) => File.ReadAllLines(In("audit"))[index].Split("\"hash\":\"")[1][..64];
    }

    [Test]
    [Property("Spec", "SIGN-36")]
    public void An_audit_log_goes_on_after_a_crash_in_the_middle_of_a_line()
    {
        using (AuditLog log = new(In("audit")))
        {
            log.Append("chain", new AuditEntry("signed", 4, 1, SignStep.Prevote, "aa", ""));
            log.Append("chain", new AuditEntry("refused", 9, 1, SignStep.Prevote, "aa", ""));
        }
        File.AppendAllText(In("audit"), "{\"n\":3,\"tim");
        using (AuditLog log = new(In("audit")))
        {
            Assert.That(log.Last.Number, Is.EqualTo(2));
            Assert.That(log.Last.Signed, Is.EqualTo(SignState.Floor(4, 1, SignStep.Prevote)));
            log.Append("chain", new AuditEntry("signed", 5, 0, SignStep.Prevote, "aa", ""));
        }
        Assert.That(AuditLog.Verify(In("audit")).Lines, Is.EqualTo(3));
        File.WriteAllText(In("audit"), "not an audit log\n");
        Assert.That(
            () => new AuditLog(In("audit")), Throws.TypeOf<IOException>().With.Message.Contains("audit verify"));
    }

    [Test]
    [Property("Spec", "SIGN-38")]
    public void A_full_file_is_put_aside_and_the_chain_goes_on_in_the_next()
    {
        for (int start = 0; start < 3; start++)
        {
            using AuditLog log = new(In("audit"), fileBytes: 2_000);
            Assert.That(log.Last.Number, Is.EqualTo(10 * start));
            for (int i = 1; i <= 10; i++)
            {
                log.Append("chain", new AuditEntry("signed", (10 * start) + i, 0, SignStep.Prevote, "aa", ""));
            }
        }
        IReadOnlyList<string> full = AuditLog.FullFiles(In("audit"));
        Assert.That(full, Has.Count.GreaterThan(3));
        Assert.That(full[0], Does.EndWith("audit.000000000001"));
        Assert.That(full.Select(file => new FileInfo(file).Length), Has.All.InRange(1_000, 2_000));
        AuditCheck check = AuditLog.Verify(In("audit"));
        Assert.That((check.First, check.Lines, check.Fault), Is.EqualTo((1L, 30L, (string?)null)));

        // A file that was taken away is missed, unless the end of what was taken is known.
        string last = File.ReadAllLines(full[0])[^1].Split("\"hash\":\"")[1][..64];
        File.Move(full[0], In("elsewhere"));
        Assert.That(AuditLog.Verify(In("audit")).Fault, Does.Contain("lines are missing").And.Contain("--after"));
        check = AuditLog.Verify(In("audit"), after: last);
        Assert.That((check.Fault, check.First + check.Lines), Is.EqualTo(((string?)null, 31L)));
        Assert.That(AuditLog.Verify(In("audit"), after: new string('0', 64)).Fault, Does.Contain("does not follow"));
        File.Delete(full[2]);
        check = AuditLog.Verify(In("audit"), after: last);
        Assert.That(check.File, Is.EqualTo(full[3]));
        Assert.That(check.Fault, Does.Contain("lines are missing"));
    }

    [Test]
    [Property("Spec", "SIGN-38")]
    public void A_crash_while_a_full_file_is_put_aside_loses_nothing()
    {
        using (AuditLog log = new(In("audit")))
        {
            log.Append("chain", new AuditEntry("signed", 7, 2, SignStep.Precommit, "aa", ""));
        }
        File.Move(In("audit"), In("audit.000000000001"));
        using (AuditLog log = new(In("audit")))
        {
            Assert.That(
                (log.Last.Number, log.Last.Signed), Is.EqualTo((1L, SignState.Floor(7, 2, SignStep.Precommit))));
            log.Append("chain", new AuditEntry("refused", 7, 1, SignStep.Precommit, "aa", ""));
        }
        AuditCheck check = AuditLog.Verify(In("audit"));
        Assert.That((check.Lines, check.Fault), Is.EqualTo((2L, (string?)null)));
    }

    [Test]
    [Property("Spec", "SIGN-11")]
    public void A_state_older_than_the_audit_log_is_refused_unless_told()
    {
        SignerConfig config = new()
        {
            Chains =
            [
                new SignerChain
                {
                    ChainId = "one",
                    Key = In("consensus.key"),
                    State = In("state"),
                    Audit = In("audit"),
                    Engines = [$"unix://{In("a.sock")}"],
                },
            ],
        };
        using SignerListener node = new($"unix://{In("a.sock")}", "one", Patience);
        using (Running running = new(config, new SignerStart(true, false, false)))
        {
            node.SignVote(Votes.Block(SignedMsgType.Prevote, 5, 0, 1));
            File.Copy(In("state"), In("backup"));
            node.SignVote(Votes.Block(SignedMsgType.Prevote, 6, 0, 1));
        }
        File.Copy(In("backup"), In("state"), overwrite: true);
        Assert.That(() => new Running(config, default), Throws.TypeOf<IOException>()
            .With.Message.Contains("older than what the key has signed"));
        using (Running running = new(config, new SignerStart(false, false, true)))
        {
            Assert.That(() => node.SignVote(Votes.Block(SignedMsgType.Prevote, 6, 0, 2)),
                Throws.TypeOf<SigningRefusedException>());
            node.SignVote(Votes.Block(SignedMsgType.Prevote, 7, 0, 2));
        }
        File.Delete(In("state"));
        Assert.That(() => new Running(config, default),
            Throws.TypeOf<IOException>().With.Message.Contains("is missing"));
    }

    [TestCase("chain.a.key = k", "chain.a.state is missing")]
    [TestCase("", "there is no chain to sign for")]
    [TestCase("colour = red", ":1: unknown key 'colour'")]
    [TestCase("chain.a.kee = k", ":1: unknown key 'chain.a.kee'")]
    [TestCase("metrics = 0.0.0.0:9", ":1: metrics: figures are served on this machine only")]
    [TestCase("peer = abc@tcp://h:1", ":1: peer: write IDENTITY@tcp://host:port")]
    [TestCase("chain.a.engine = nowhere", ":1: chain.a.engine: 'nowhere' is not an address")]
    [TestCase("audit.megabytes = 0", ":1: audit.megabytes: write a whole number of MiB")]
    [TestCase("identity", ":1: expected 'key = value'")]
    [TestCase("identity = a\nidentity = b", ":2: 'identity' is there twice")]
    [TestCase("listen = tcp://h:1\nchain.a.key = k\nchain.a.state = s", "three signers of one validator need")]
    [TestCase("chain.a.key = k\nchain.a.state = s", "chain.a.engine is missing")]
    [TestCase("chain.a.key = k\nchain.a.state = s\nchain.b.key = k\nchain.b.state = s", "two chains share one state")]
    public void Bad_configurations_name_line_and_problem(string text, string problem) =>
        Assert.That(() => SignerConfig.Parse(text.Split('\n'), "f"),
            Throws.TypeOf<FormatException>().With.Message.Contains(problem));

    [Test]
    [Property("Spec", "SIGN-9")]
    public void A_key_in_a_device_signs_through_the_whole_signer_and_survives_its_loss()
    {
        string token = SoftHsmDevice.NewToken();
        using (Pkcs11Session session = SoftHsmDevice.Open(token)) session.Generate(Pkcs11KeyType.Ed25519, "the key");
        File.WriteAllText(In("pin"), SoftHsmDevice.Pin);
        File.SetUnixFileMode(In("pin"), UnixFileMode.UserRead);
        string source = $"pkcs11:token={token};key=the key;pin-file={In("pin")}";
        SignerConfig config = SignerConfig.Parse(
            [
                $"chain.one.key = {source}", $"chain.one.state = {In("state")}",
                $"chain.one.engine = unix://{In("a.sock")}",
            ],
            "f");
        using SignerListener node = new($"unix://{In("a.sock")}", "one", Patience);
        using Running running = new(config, new SignerStart(true, false, false));
        Vote vote = Votes.Block(SignedMsgType.Precommit, 5, 0, 1);
        vote.Extension = Google.Protobuf.ByteString.CopyFrom(new byte[1_000_000]);
        Vote signed = node.SignVote(vote);
        byte[] key = [.. node.PublicKey().Ed25519];
        byte[] extension = SignBytes.VoteExtension("one", 5, 0, vote.Extension);
        Assert.That(Ed25519.Verify(key, extension, signed.ExtensionSignature.Span), Is.True);

        // The plug is pulled: pings, the public key and repeated questions are answered, new ones refused.
        string away = SoftHsmDevice.Tokens + ".away";
        Directory.Move(SoftHsmDevice.Tokens, away);
        Directory.CreateDirectory(SoftHsmDevice.Tokens);
        try
        {
            SoftHsmDevice.Module().Restart(SoftHsmDevice.Module().Generation);
            node.Ping();
            Assert.That(node.PublicKey().Ed25519.Span.SequenceEqual(key), Is.True);
            Assert.That(() => node.SignVote(Votes.Block(SignedMsgType.Prevote, 6, 0, 1)),
                Throws.TypeOf<SigningRefusedException>());
        }
        finally
        {
            Directory.Delete(SoftHsmDevice.Tokens);
            Directory.Move(away, SoftHsmDevice.Tokens);
        }
        SoftHsmDevice.Module().Restart(SoftHsmDevice.Module().Generation);
        Assert.That(() => node.SignVote(Votes.Block(SignedMsgType.Prevote, 6, 0, 2)),
            Throws.TypeOf<SigningRefusedException>().With.Message.Contains("other content"));
        Assert.That(node.SignVote(Votes.Block(SignedMsgType.Prevote, 6, 0, 1)).Signature.IsEmpty, Is.False);
    }

    [TestCase("pkcs11:key=k")]
    [TestCase("pkcs11:token=t;colour=red")]
    [TestCase("pkcs11:token=t;token=u;key=k")]
    public void Bad_places_of_keys_say_what_to_write(string place) =>
        Assert.That(() => KeyPlace.Open(place),
            Throws.TypeOf<FormatException>().With.Message.Contains("write pkcs11:token=LABEL"));

    private string In(string name) => Path.Combine(_folder, name);

    internal sealed class Running : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly SignerProcess _process;
        private readonly Thread _thread;

        public Running(SignerConfig config, SignerStart start, Action<string>? log = null)
        {
            _process = new SignerProcess(config, start, static place => KeyPlace.Open(place), log ?? (static _ => { }));
            _thread = new Thread(() => _process.Run(_stop.Token));
            _thread.Start();
        }

        public SignerMetrics Metrics => _process.Metrics;

        public void Dispose()
        {
            _stop.Cancel();
            _thread.Join();
            _process.Dispose();
            _stop.Dispose();
        }
    }
}
