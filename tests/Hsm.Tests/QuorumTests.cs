using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Hsm.Wire;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>Three signers of one validator: the rules of a witness, the simulation, and real connections.</summary>
internal sealed class QuorumTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Test]
    [Property("Spec", "SIGN-27")]
    [Property("Spec", "SIGN-29")]
    [Property("Spec", "SIGN-34")]
    public void Whatever_happens_no_place_is_ever_signed_with_two_contents() => Simulate(0, 1_500);

    [Test]
    [Category("Long")]
    [Explicit("about five minutes")]
    public void Whatever_happens_for_long_no_place_is_ever_signed_with_two_contents() => Simulate(1_000_000, 60_000);

    /// <summary>The simulation is worth something: with each weakness it finds the double sign.</summary>
    [TestCase(Weakness.SignsAlone, 0)]
    [TestCase(Weakness.TrustsItsDisk, 0)]
    [TestCase(Weakness.ReadsOneOther, 3_500)]
    [Property("Spec", "SIGN-31")]
    public void A_weaker_rule_is_found_out(Weakness weakness, int firstSeed)
    {
        for (int seed = firstSeed; seed < 20_000; seed++)
        {
            QuorumSimulation simulation = new(seed, weakness);
            simulation.Run(150);
            if (simulation.DoubleSign is null) continue;
            TestContext.Out.WriteLine($"seed {seed}: {simulation.DoubleSign}");
            return;
        }
        Assert.Fail("not found out");
    }

    [Test]
    [Property("Spec", "SIGN-28")]
    public void Losing_one_of_three_costs_no_more_than_one_round()
    {
        int[] missed = new int[3];
        for (int seed = 0; seed < 300; seed++)
        {
            int count = new QuorumSimulation(seed, hasFaults: false).CountMissedRounds(12);
            Assert.That(count, Is.LessThanOrEqualTo(1), $"seed {seed}");
            missed[count]++;
        }
        TestContext.Out.WriteLine($"rounds missed: none in {missed[0]} runs, one in {missed[1]}");
    }

    [Test]
    [Property("Spec", "SIGN-30")]
    public void A_witness_records_only_what_the_bytes_say()
    {
        SignGuard guard = new(SignState.Fresh, static _ => { });
        Position good = Position(5, 1);
        Assert.That(Ask(guard, good).Recorded, Is.True);
        Assert.That(Ask(guard, good).Recorded, Is.True, "again");
        Refuses(p => p.Height = 6, "another height");
        Refuses(p => p.Round = 1, "another height");
        Refuses(p => p.Step = 3, "another height");
        Refuses(p => p.Step = 7, "no step");
        Refuses(p => p.SignBytes = ByteString.Empty, "nothing to record");
        Refuses(p => p.SignBytes = ByteString.CopyFrom([1, 2, 3]), "incomplete");
        Assert.That(Ask(guard, Position(5, 2)).Refusal, Does.Contain("other content"));
        Assert.That(Ask(guard, Position(4, 1)).Refusal, Does.Contain("is asked for after"));
        Assert.That(guard.State.Height, Is.EqualTo(5));

        void Refuses(Action<Position> change, string reason)
        {
            Position position = Position(9, 1);
            change(position);
            WitnessReply reply = Ask(guard, position);
            Assert.That(reply.Recorded, Is.False);
            Assert.That(reply.Refusal, Does.Contain(reason));
            Assert.That(reply.Position.Height, Is.EqualTo(5));
        }
    }

    [Test]
    [Property("Spec", "SIGN-33")]
    public void A_witness_that_was_set_back_stops_until_it_has_read_both_others()
    {
        SignGuard guard = new(SignState.Fresh, static _ => { });
        Ask(guard, Position(5, 1));
        WitnessReply reply = WitnessRules.Answer(
            guard, new WitnessRequest { Seen = Position(7, 1), Record = Position(8, 1) });
        Assert.That(reply.Recorded, Is.False);
        Assert.That(reply.Refusal, Does.Contain("set back"));
        Assert.That(guard.IsTrusted, Is.False);
        Assert.That(Ask(guard, Position(9, 1)).Refusal, Does.Contain("recovering"));
        guard.Recover(State(7, 1), State(6, 2));
        Assert.That(Ask(guard, Position(7, 1)).Refusal, Does.Contain("may have been signed before"));
        Assert.That(Ask(guard, Position(8, 1)).Recorded, Is.True);
    }

    [Test]
    [Property("Spec", "SIGN-31")]
    public void Recovery_goes_on_after_the_furthest_and_closes_its_place()
    {
        SignState own = State(5, 1);
        Assert.That(WitnessRules.Recover(own, State(4, 1), SignState.Fresh), Is.EqualTo(own));
        Assert.That(WitnessRules.Recover(own, State(5, 2), State(3, 1)), Is.EqualTo(own), "it was recorded here first");
        SignState further = WitnessRules.Recover(own, State(6, 1), State(8, 1));
        Assert.That((further.Height, further.Bytes.IsEmpty), Is.EqualTo((8L, true)));
    }

    [Test]
    [Property("Spec", "SIGN-27")]
    [Property("Spec", "SIGN-31")]
    [Property("Spec", "SIGN-32")]
    [Property("Spec", "SIGN-37")]
    public void Three_real_signers_sign_as_one_and_survive_losses()
    {
        using Trio trio = new();
        trio.Start(0);
        trio.Start(1);
        Assert.That(() => trio.Engines[0].SignVote(Votes.Block(SignedMsgType.Prevote, 1, 0, 1)),
            Throws.TypeOf<SigningRefusedException>().With.Message.Contains("recovering"));
        trio.Start(2);
        trio.AwaitRecovered();
        trio.BackUp(0);

        // The same question at every machine: one signature, although each engine has its own clock.
        Vote[] signed = [.. trio.Engines.Select((engine, i) =>
            engine.SignVote(Votes.Block(SignedMsgType.Prevote, 1, 0, 1, i)))];
        Assert.That(signed.Select(vote => vote.Signature).Distinct().Count(), Is.EqualTo(1));
        Assert.That(() => trio.Engines[2].SignVote(Votes.Block(SignedMsgType.Prevote, 1, 0, 2)),
            Throws.TypeOf<SigningRefusedException>());

        // One machine is lost: the others go on at once.
        trio.Stop(0);
        long start = Stopwatch.GetTimestamp();
        trio.Engines[1].SignVote(Votes.Block(SignedMsgType.Precommit, 1, 0, 1));
        trio.Engines[2].SignVote(Votes.Block(SignedMsgType.Prevote, 2, 0, 1));
        Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(2)));

        // It comes back with a backup of its disk, and recovers what it has missed.
        trio.SetBack(0);
        trio.Start(0);
        trio.AwaitRecovered();
        Assert.That(() => trio.Engines[0].SignVote(Votes.Block(SignedMsgType.Prevote, 2, 0, 2)),
            Throws.TypeOf<SigningRefusedException>());
        trio.Engines[0].SignVote(Votes.Block(SignedMsgType.Precommit, 2, 0, 1));

        // Two lost: nothing is signed, until the operator of the one that restarts says otherwise.
        trio.Stop(1);
        trio.Stop(2);
        Assert.That(() => trio.Engines[0].SignVote(Votes.Block(SignedMsgType.Prevote, 3, 0, 1)),
            Throws.TypeOf<SigningRefusedException>().With.Message.Contains("neither of the other signers answers"));
        trio.Start(2);
        Thread.Sleep(1000);
        Assert.That(() => trio.Engines[0].SignVote(Votes.Block(SignedMsgType.Prevote, 3, 0, 1)),
            Throws.TypeOf<SigningRefusedException>().With.Message.Contains("recovering"));
        trio.Stop(2);
        trio.Start(2, trustsOwnState: true);
        Thread.Sleep(1000);
        trio.Engines[0].SignVote(Votes.Block(SignedMsgType.Prevote, 3, 0, 1));
    }

    /// <summary>Figures for bench/results: the whole way of a vote, on the disk of this machine.</summary>
    [Test]
    [Category("Long")]
    [Explicit("figures")]
    public void Figures_of_one_signer_and_of_three()
    {
        using Trio trio = new();
        using SoftwareKey key = SoftwareKey.FromSeed(new byte[32]);
        string folder = Directory.CreateTempSubdirectory("appchain-figures-").FullName;
        using (SignStateFile file = SignStateFile.Create(Path.Combine(folder, "state")))
        using (AuditLog audit = new(Path.Combine(folder, "audit")))
        using (SignerListener engine = new("tcp://127.0.0.1:0", "one", Patience))
        using (CancellationTokenSource stop = new())
        {
            SigningNotes notes = new("one", audit, new SignerMetrics());
            ConsensusSigner signer = new("one", key, new SignGuard(file.State, file.Save), null, notes);
            Thread thread = new(() => new RemoteSigner(engine.Address, signer).Run(stop.Token));
            thread.Start();
            Measure("one signer, tcp", engine);
            stop.Cancel();
            thread.Join();
        }
        Directory.Delete(folder, recursive: true);
        for (int i = 0; i < 3; i++) trio.Start(i);
        trio.AwaitRecovered();
        Measure("three signers", trio.Engines[0]);
        trio.Stop(2);
        Measure("two of three", trio.Engines[0], 10_000);

        static void Measure(string what, SignerListener engine, long first = 1)
        {
            List<double> milliseconds = [];
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < 2_000; i++)
            {
                long one = Stopwatch.GetTimestamp();
                engine.SignVote(Votes.Block(SignedMsgType.Prevote, first + i, 0, 1));
                milliseconds.Add(Stopwatch.GetElapsedTime(one).TotalMilliseconds);
            }
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            milliseconds.Sort();
            TestContext.Out.WriteLine($"{what}: {2_000 / seconds:0} votes/s, p50 {milliseconds[1_000]:0.00} ms, "
                + $"p99 {milliseconds[1_980]:0.00} ms, worst {milliseconds[^1]:0.0} ms");
        }
    }

    [Test]
    [Property("Spec", "SIGN-32")]
    public void Strangers_are_not_answered()
    {
        using SoftwareKey ours = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)1, 32)]);
        using SoftwareKey stranger = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)2, 32)]);
        SignGuard guard = new(SignState.Fresh, static _ => { });
        SigningNotes notes = new("one", null, new SignerMetrics());
        using WitnessListener listener = new("tcp://127.0.0.1:0", ours, [ours.PublicKey],
            [new WitnessedKey("one", ours.PublicKey, guard, notes)], static _ => { });
        WitnessRequest request = new()
        {
            ChainId = "one", ConsensusKey = ours.PublicKey, Record = Position(5, 1),
        };
        Assert.That(Ask(stranger), Is.Null);
        Assert.That(guard.State, Is.EqualTo(SignState.Fresh));
        Assert.That(Ask(ours)!.Recorded, Is.True);
        request.ChainId = "two";
        Assert.That(Ask(ours)!.Refusal, Does.Contain("no such key; it signs for 'one'"));

        WitnessReply? Ask(SoftwareKey identity)
        {
            SignerMetrics metrics = new();
            using WitnessPeer peer = new(listener.Address, identity, ours.PublicKey, metrics);
            string connected = SignerMetrics.Series(
                "appchain_signer_witness_connected", ("witness", listener.Address));
            SpinWait.SpinUntil(() => metrics.Value(connected) == 1, TimeSpan.FromSeconds(2));
            using ManualResetEventSlim done = new();
            WitnessReply? found = null;
            peer.Ask(request.Clone(), reply =>
            {
                found = reply;
                done.Set();
            });
            Assert.That(done.Wait(Patience), Is.True);
            return found;
        }
    }

    /// <summary>Whoever connects and never says who it is keeps nobody out who can.</summary>
    [Test]
    [Property("Spec", "SIGN-32")]
    public void Strangers_who_never_finish_the_handshake_do_not_keep_a_signer_out()
    {
        using SoftwareKey ours = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)1, 32)]);
        SignGuard guard = new(SignState.Fresh, static _ => { });
        using WitnessListener listener = new("tcp://127.0.0.1:0", ours, [ours.PublicKey],
            [new WitnessedKey("one", ours.PublicKey, guard, new SigningNotes("one", null, new SignerMetrics()))],
            static _ => { });
        int port = new Uri(listener.Address).Port;
        List<Socket> strangers = [];
        try
        {
            for (int i = 0; i < 200; i++)
            {
                Socket stranger = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                strangers.Add(stranger);
                stranger.Connect(IPAddress.Loopback, port);
            }

            // Each sends a byte of its key from time to time, so that no wait for bytes ends.
            using Timer trickle = new(_ =>
            {
                foreach (Socket stranger in strangers)
                {
                    try
                    {
                        stranger.Send([0x22]);
                    }
                    catch (SocketException)
                    {
                        // Dropped by the listener, as it should be.
                    }
                }
            }, null, 0, 500);
            Thread.Sleep(3_000);
            using WitnessPeer peer = new(listener.Address, ours, ours.PublicKey, new SignerMetrics());
            bool isRecorded = SpinWait.SpinUntil(() =>
            {
                using ManualResetEventSlim done = new();
                bool recorded = false;
                peer.Ask(new WitnessRequest { ChainId = "one", ConsensusKey = ours.PublicKey, Record = Position(5, 1) },
                    reply =>
                    {
                        recorded = reply is { Recorded: true };
                        done.Set();
                    });
                done.Wait(Patience);
                return recorded;
            }, TimeSpan.FromSeconds(5));
            Assert.That(isRecorded, Is.True, "one of the others is answered");
        }
        finally
        {
            strangers.ForEach(static stranger => stranger.Dispose());
        }
    }

    /// <summary>Whoever comes again and again does not fill the disk with lines about it.</summary>
    [Test]
    [Property("Spec", "SIGN-32")]
    public void Strangers_are_told_of_once_a_second()
    {
        using SoftwareKey ours = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)1, 32)]);
        using SoftwareKey stranger = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)2, 32)]);
        int lines = 0;
        using WitnessListener listener = new("tcp://127.0.0.1:0", ours, [ours.PublicKey], [],
            _ => Interlocked.Increment(ref lines));
        int port = new Uri(listener.Address).Port;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 30; i++)
        {
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, port);
            using SecretConnection connection = SecretConnection.Handshake(new NetworkStream(socket), stranger);
            Assert.That(connection.ReadByte(), Is.EqualTo(-1), "the listener hangs up");
        }
        Assert.That(lines, Is.InRange(1, 2 + (int)Stopwatch.GetElapsedTime(start).TotalSeconds));
    }

    /// <summary>
    /// A disk that fails while a signer recovers is tried again: the process and its other keys live on.
    /// </summary>
    [Test]
    [Property("Spec", "SIGN-15")]
    public void A_disk_that_fails_during_recovery_is_tried_again()
    {
        using SoftwareKey ours = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)1, 32)]);
        SignGuard ahead = new(State(7, 1), static _ => { });
        using WitnessListener other = new("tcp://127.0.0.1:0", ours, [ours.PublicKey],
            [new WitnessedKey("one", ours.PublicKey, ahead, new SigningNotes("one", null, new SignerMetrics()))],
            static _ => { });
        using WitnessPeer first = new(other.Address, ours, ours.PublicKey, new SignerMetrics());
        using WitnessPeer second = new(other.Address, ours, ours.PublicKey, new SignerMetrics());
        int saves = 0;
        SignGuard guard = new(SignState.Fresh, _ =>
        {
            if (++saves < 3) throw new IOException("no space left");
        }, isTrusted: false);
        Quorum quorum = new(
            "one", ours.PublicKey, guard, [first, second], new SigningNotes("one", null, new SignerMetrics()));
        using CancellationTokenSource stop = new();
        List<string> lines = [];
        Exception? ended = null;
        Thread thread = new(() =>
        {
            try
            {
                quorum.KeepRecovered(stop.Token, lines.Add);
            }
            catch (Exception error)
            {
                ended = error;
            }
        });
        thread.Start();
        bool isRecovered = SpinWait.SpinUntil(() => guard.IsTrusted || ended is not null, Patience);
        stop.Cancel();
        thread.Join();
        Assert.That(ended, Is.Null);
        Assert.That(isRecovered && guard.IsTrusted, Is.True);
        Assert.That(guard.State.Height, Is.EqualTo(7));
        Assert.That(lines, Has.Some.Contain("no space left"));
    }

    private static void Simulate(int firstSeed, int runs)
    {
        int signatures = 0;
        int crashes = 0;
        int setBacks = 0;
        for (int seed = firstSeed; seed < firstSeed + runs; seed++)
        {
            QuorumSimulation simulation = new(seed);
            simulation.Run(150);
            Assert.That(simulation.DoubleSign, Is.Null, $"seed {seed}");
            signatures += simulation.Signatures;
            crashes += simulation.Crashes;
            setBacks += simulation.SetBacks;
        }
        Assert.That(signatures, Is.GreaterThan(10 * runs), "something is signed at all");
        Assert.That(setBacks, Is.GreaterThan(runs));
        TestContext.Out.WriteLine($"{runs} runs of 150 to 300 requests: {signatures} signatures, {crashes} crashes, "
            + $"{setBacks} disks set back");
    }

    private static WitnessReply Ask(SignGuard guard, Position record) =>
        WitnessRules.Answer(guard, new WitnessRequest { Record = record });

    private static SignState State(long height, byte block) => WitnessRules.FromPosition(Position(height, block));

    private static Position Position(long height, byte block) => new()
    {
        Height = height,
        Step = (int)SignStep.Prevote,
        SignBytes = ByteString.CopyFrom(
            SignBytes.Vote("one", Votes.Block(SignedMsgType.Prevote, height, 0, block))),
    };

    /// <summary>Three signer processes with one key, and an engine at each.</summary>
    private sealed class Trio : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("appchain-trio-").FullName;
        private readonly SignerConfig[] _configs = new SignerConfig[3];
        private readonly SignerProcessTests.Running?[] _running = new SignerProcessTests.Running?[3];

        public Trio()
        {
            SoftwareKey.Create(In("consensus.key")).Dispose();
            ByteString[] identities = new ByteString[3];
            int[] ports = [Ports.Free(), Ports.Free(), Ports.Free()];
            for (int i = 0; i < 3; i++)
            {
                using SoftwareKey identity = SoftwareKey.Create(In($"identity{i}"));
                identities[i] = identity.PublicKey;
                Engines.Add(new SignerListener($"unix://{In($"{i}.sock")}", "one", Patience));
            }
            for (int i = 0; i < 3; i++)
            {
                _configs[i] = new SignerConfig
                {
                    Identity = In($"identity{i}"),
                    Listen = $"tcp://127.0.0.1:{ports[i]}",
                    Peers = [.. Enumerable.Range(0, 3).Where(j => j != i)
                        .Select(j => new SignerPeer(identities[j], $"tcp://127.0.0.1:{ports[j]}"))],
                    Chains =
                    [
                        new SignerChain
                        {
                            ChainId = "one",
                            Key = In("consensus.key"),
                            State = In($"state{i}"),
                            Engines = [$"unix://{In($"{i}.sock")}"],
                        },
                    ],
                };
            }
        }

        public List<SignerListener> Engines { get; } = [];

        public void Start(int machine, bool trustsOwnState = false) => _running[machine] =
            new SignerProcessTests.Running(_configs[machine], new SignerStart(true, trustsOwnState, false));

        public void Stop(int machine)
        {
            _running[machine]?.Dispose();
            _running[machine] = null;
        }

        public void BackUp(int machine) => File.Copy(In($"state{machine}"), In("backup"));

        public void SetBack(int machine)
        {
            File.Copy(In("backup"), In($"state{machine}"), overwrite: true);
        }

        public void AwaitRecovered()
        {
            string series = SignerMetrics.Series("appchain_signer_recovering", ("chain", "one"));
            bool isRecovered = SpinWait.SpinUntil(
                () => _running.All(one => one is null || (one.Metrics.Text().Contains(series, StringComparison.Ordinal)
                    && one.Metrics.Value(series) == 0)),
                Patience);
            Assert.That(isRecovered, Is.True);
        }

        public void Dispose()
        {
            foreach (SignerProcessTests.Running? one in _running) one?.Dispose();
            foreach (SignerListener engine in Engines) engine.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        private string In(string name) => Path.Combine(_folder, name);
    }
}
