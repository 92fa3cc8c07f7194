using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Random and hostile requests with crashes between and inside them: whatever left the signer is compared place by
/// place, and two contents for one place are a double sign.
/// </summary>
internal sealed class EquivocationTests
{
    private const string Chain = "chain-1";

    [Test]
    [Property("Spec", "SIGN-9")]
    public void Random_requests_with_crashes_never_sign_twice() => Run(10_000, 1);

    [Test]
    [Category("Long")]
    [Explicit("some minutes")]
    [Property("Spec", "SIGN-9")]
    public void A_million_sequences_of_requests_with_crashes_never_sign_twice() => Run(1_000_000, 2);

    /// <summary>The real program, killed by the system at any moment, with the real state file.</summary>
    [Test]
    [Property("Spec", "SIGN-9")]
    [Property("Spec", "SIGN-11")]
    [CancelAfter(120_000)]
    public void A_process_killed_at_any_moment_never_signs_twice(CancellationToken cancel)
    {
        string program = Path.GetFullPath(Path.Combine(
            TestContext.CurrentContext.TestDirectory, "..", "..", "Node", "release", "AppChain.Node.dll"));
        if (!File.Exists(program)) Assert.Ignore($"{program} is not built");
        string folder = Directory.CreateTempSubdirectory("appchain-killed-").FullName;
        SoftwareKey.Create(Path.Combine(folder, "key")).Dispose();
        string address = $"unix://{folder}/signer.sock";
        Random random = new(3);
        Released released = new();
        SignerListener engine = new(address, Chain, TimeSpan.FromSeconds(20));
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        int kills = 0;
        // Lives without a signature so far: on a busy machine a process needs longer to begin, and gets longer.
        int fruitless = 0;
        Thread killer = new(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                using Process process = Process.Start(new ProcessStartInfo("dotnet")
                {
                    ArgumentList =
                    {
                        program, "signer", "--chain", Chain, "--key", $"{folder}/key", "--state", $"{folder}/state",
                        "--audit", $"{folder}/audit", "--engine", address, "--create-state",
                    },
                    RedirectStandardError = true,
                })!;
                process.ErrorDataReceived += static (_, _) => { };
                process.BeginErrorReadLine();
                stop.Token.WaitHandle.WaitOne(random.Next(400, 1_600) * (1 + Volatile.Read(ref fruitless)));
                process.Kill();
                process.WaitForExit();
                Interlocked.Increment(ref kills);
                Interlocked.Increment(ref fruitless);
            }
        });
        killer.Start();
        long height = 1;
        Random requests = new(4);

        try
        {
            // As long as it takes: on a busy machine many lives end before they sign.
            while (!cancel.IsCancellationRequested && (Volatile.Read(ref kills) <= 8 || released.Places <= 50))
            {
                height += requests.Next(3) == 0 ? 1 : 0;
                Vote vote = RandomVote(requests, height);
                try
                {
                    released.Add(vote, engine.SignVote(vote));
                    Volatile.Write(ref fruitless, 0);
                }
                catch (SigningRefusedException)
                {
                    // As it should.
                }
            }
        }
        finally
        {
            stop.Cancel();
            killer.Join();
            engine.Dispose();
        }
        Assert.That(AuditLog.Verify($"{folder}/audit").Fault, Is.Null.Or.Contains("not as it was written"));
        using (AuditLog log = new($"{folder}/audit")) Assert.That(log.Last.Signed.Height, Is.LessThanOrEqualTo(height));
        Assert.That(AuditLog.Verify($"{folder}/audit").Fault, Is.Null);
        Assert.That(kills, Is.GreaterThan(5));
        Assert.That(released.Places, Is.GreaterThan(50));
        TestContext.Out.WriteLine($"{kills} kills, {released.Places} places signed, {released.Count} signatures");
        Directory.Delete(folder, recursive: true);
    }

    private static void Run(int sequences, int seed)
    {
        Random random = new(seed);
        using SoftwareKey key = SoftwareKey.FromSeed(new byte[32]);
        SignState disk = SignState.Fresh;
        Released released = new();
        long height = 1;
        long requests = 0;
        long crashes = 0;
        long start = Stopwatch.GetTimestamp();
        for (int sequence = 0; sequence < sequences; sequence++)
        {
            // A life of the process: it begins with what is on the disk and ends with a crash.
            ConsensusSigner signer = new(Chain, key, disk, state =>
            {
                // The disk holds the old state or the new one, wherever in the write the process dies.
                int fate = random.Next(20);
                if (fate == 0) throw new Crash();
                disk = state;
                if (fate == 1) throw new Crash();
            });
            int length = random.Next(1, 7);
            for (int i = 0; i < length; i++)
            {
                requests++;
                if (random.Next(5) == 0) height++;
                try
                {
                    if (random.Next(4) == 0)
                    {
                        Proposal proposal = Votes.Proposal(
                            Place(random, height), random.Next(3), (byte)random.Next(1, 3), random.Next(3));
                        released.Add(proposal, signer.SignProposal(proposal));
                    }
                    else
                    {
                        Vote vote = RandomVote(random, height);
                        released.Add(vote, signer.SignVote(vote));
                    }
                }
                catch (SigningRefusedException)
                {
                    // As it should.
                }
                catch (Crash)
                {
                    crashes++;
                    break;
                }
            }
            if (sequence % 100_000 == 0) released.Forget(height - 1_000);
        }
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Assert.That(released.Count, Is.GreaterThan(requests / 20));
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{sequences} sequences, {requests} requests, {released.Count} signatures at {released.Places} places, "
            + $"{crashes} crashes inside a write, {sequences} restarts, {took.TotalSeconds:0} s"));
    }

    private static Vote RandomVote(Random random, long height)
    {
        Vote vote = Votes.Block(
            random.Next(2) == 0 ? SignedMsgType.Prevote : SignedMsgType.Precommit, Place(random, height),
            random.Next(3), (byte)random.Next(3), random.Next(3));
        bool hasExtension = vote.Type == SignedMsgType.Precommit && vote.BlockId.Hash.Length > 0;
        if (hasExtension) vote.Extension = Google.Protobuf.ByteString.CopyFrom([(byte)random.Next(256)]);
        return vote;
    }

    /// <summary>Mostly where consensus is, sometimes before it or far beyond what is sound.</summary>
    private static long Place(Random random, long height) => random.Next(60) switch
    {
        0 => 0,
        1 => -height,
        2 or 3 or 4 or 5 => Math.Max(1, height - 1),
        6 => Math.Max(1, height - random.Next(20)),
        _ => height,
    };

    private sealed class Crash : Exception;

    /// <summary>What left the signer.</summary>
    private sealed class Released
    {
        private readonly Dictionary<(long Height, int Round, SignedMsgType Type), (string Content, string Signature)>
            _places = [];

        public long Count { get; private set; }

        public long Places { get; private set; }

        public void Add(Vote asked, Vote signed) => Add(
            (asked.Height, asked.Round, asked.Type), Convert.ToHexString(asked.BlockId.Hash.Span), signed.Signature);

        public void Add(Proposal asked, Proposal signed) => Add(
            (asked.Height, asked.Round, asked.Type), Convert.ToHexString(asked.BlockId.Hash.Span), signed.Signature);

        public void Forget(long below)
        {
            foreach ((long Height, int, SignedMsgType) place in new List<(long, int, SignedMsgType)>(_places.Keys))
            {
                if (place.Height < below) _places.Remove(place);
            }
        }

        private void Add(
            (long, int, SignedMsgType) place, string content, Google.Protobuf.ByteString signature)
        {
            Count++;
            string bytes = Convert.ToHexString(signature.Span);
            if (_places.TryAdd(place, (content, bytes)))
            {
                Places++;
                return;
            }
            Assert.That((content, bytes), Is.EqualTo(_places[place]), $"{place} was signed twice");
        }
    }
}
