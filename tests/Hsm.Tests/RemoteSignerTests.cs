using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire.Privval;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Signer and node side of the protocol against each other, over real unix sockets and with the real state file.
/// </summary>
internal sealed class RemoteSignerTests
{
    private const string Chain = "chain-1";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly List<string> _log = [];
    private readonly SoftwareKey _key = SoftwareKey.FromSeed(new byte[32]);
    private string _folder = "";

    private string Address => $"unix://{_folder}/signer.sock";

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateTempSubdirectory("appchain-signer-").FullName;
        _log.Clear();
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [OneTimeTearDown]
    public void WipeKey() => _key.Dispose();

    [Test]
    public void Key_votes_and_proposals_are_signed_over_the_socket()
    {
        using SignerListener node = new(Address, Chain, Patience);
        using Running running = new(this, Chain);
        node.Ping();
        Assert.That(node.PublicKey().Ed25519, Is.EqualTo(_key.PublicKey));

        Proposal proposal = node.SignProposal(Proposal(5, 0));
        Assert.That(IsValid(SignBytes.Proposal(Chain, Proposal(5, 0)), proposal.Signature), Is.True);

        Vote prevote = node.SignVote(Vote(SignedMsgType.Prevote, 5, 0));
        Assert.That(IsValid(SignBytes.Vote(Chain, Vote(SignedMsgType.Prevote, 5, 0)), prevote.Signature), Is.True);
        Assert.That(prevote.ExtensionSignature.IsEmpty, Is.True);

        Vote asked = Vote(SignedMsgType.Precommit, 5, 0);
        asked.Extension = ByteString.CopyFromUtf8("price");
        Vote precommit = node.SignVote(asked);
        Assert.That(IsValid(SignBytes.Vote(Chain, asked), precommit.Signature), Is.True);
        Assert.That(IsValid(SignBytes.VoteExtension(Chain, 5, 0, asked.Extension), precommit.ExtensionSignature),
            Is.True);
        Assert.That(precommit.Extension, Is.EqualTo(asked.Extension));
    }

    [Test]
    [Property("Spec", "SIGN-3")]
    public void Extension_is_signed_on_every_precommit_for_a_block_and_only_there()
    {
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, static _ => { });
        Vote empty = signer.SignVote(Vote(SignedMsgType.Precommit, 1, 0));
        Assert.That(IsValid(SignBytes.VoteExtension(Chain, 1, 0, ByteString.Empty), empty.ExtensionSignature), Is.True);

        Vote nil = Vote(SignedMsgType.Precommit, 2, 0);
        nil.BlockId = new BlockID();
        Assert.That(signer.SignVote(nil).ExtensionSignature.IsEmpty, Is.True);

        nil.Height = 3;
        nil.Extension = ByteString.CopyFromUtf8("x");
        Assert.That(() => signer.SignVote(nil), Throws.TypeOf<SigningRefusedException>());
        Vote prevote = Vote(SignedMsgType.Prevote, 3, 0);
        prevote.Extension = ByteString.CopyFromUtf8("x");
        Assert.That(() => signer.SignVote(prevote), Throws.TypeOf<SigningRefusedException>());
        Assert.That(signer.State.Height, Is.EqualTo(2));
    }

    [Test]
    [Property("Spec", "SIGN-7")]
    public void Same_vote_with_another_time_gets_the_stored_signature_and_time()
    {
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, static _ => { });
        Vote first = signer.SignVote(Vote(SignedMsgType.Precommit, 1, 0));
        Vote later = Vote(SignedMsgType.Precommit, 1, 0);
        later.Timestamp.Seconds += 5;
        later.Extension = ByteString.CopyFromUtf8("made anew");
        Vote again = signer.SignVote(later);
        Assert.That(again.Signature, Is.EqualTo(first.Signature));
        Assert.That(again.Timestamp, Is.EqualTo(first.Timestamp));
        Assert.That(IsValid(SignBytes.VoteExtension(Chain, 1, 0, later.Extension), again.ExtensionSignature), Is.True);
    }

    [Test]
    [Property("Spec", "SIGN-15")]
    public void Refusals_reach_the_node_with_their_reason()
    {
        using SignerListener node = new(Address, Chain, Patience);
        using Running running = new(this, Chain);
        node.SignVote(Vote(SignedMsgType.Prevote, 5, 0));
        Vote other = Vote(SignedMsgType.Prevote, 5, 0);
        other.BlockId = new BlockID();
        Assert.That(() => node.SignVote(other), Throws.TypeOf<SigningRefusedException>()
            .With.Message.EndsWith("Prevote at height 5, round 0 was signed with other content"));
        Assert.That(() => node.SignVote(Vote(SignedMsgType.Prevote, 4, 0)), Throws.TypeOf<SigningRefusedException>());
        Assert.That(node.SignVote(Vote(SignedMsgType.Precommit, 5, 0)).Signature.IsEmpty, Is.False,
            "the signer lives on");
        Assert.That(_log, Has.Some.Contains("refused SignVoteRequest"));
    }

    [Test]
    [Property("Spec", "SIGN-13")]
    public void A_request_for_another_chain_is_refused()
    {
        using SignerListener node = new(Address, "chain-2", Patience);
        using Running running = new(this, Chain);
        Assert.That(() => node.PublicKey(), Throws.TypeOf<SigningRefusedException>()
            .With.Message.EndsWith("this key signs for chain 'chain-1', not 'chain-2'"));
        Assert.That(() => node.SignVote(Vote(SignedMsgType.Prevote, 5, 0)), Throws.TypeOf<SigningRefusedException>());
        Assert.That(() => node.SignProposal(Proposal(5, 0)), Throws.TypeOf<SigningRefusedException>());
    }

    [TestCase(0, 0)]
    [TestCase(-1, 0)]
    [TestCase(5, -1)]
    [Property("Spec", "SIGN-2")]
    public void Impossible_heights_and_rounds_are_refused(long height, int round)
    {
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, static _ => { });
        Assert.That(() => signer.SignVote(Vote(SignedMsgType.Prevote, height, round)),
            Throws.TypeOf<SigningRefusedException>());
        Assert.That(() => signer.SignProposal(Proposal(height, round)), Throws.TypeOf<SigningRefusedException>());
    }

    [Test]
    [Property("Spec", "SIGN-2")]
    public void Malformed_votes_and_proposals_are_refused()
    {
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, static _ => { });
        RefusesVote(v => v.Type = SignedMsgType.Unknown);
        RefusesVote(v => v.Type = SignedMsgType.Proposal);
        RefusesVote(v => v.BlockId.Hash = ByteString.CopyFrom(new byte[31]));
        RefusesVote(v => v.BlockId.PartSetHeader.Hash = ByteString.Empty);
        RefusesVote(v => v.BlockId.PartSetHeader.Total = 0);
        RefusesVote(v => v.Timestamp.Nanos = -1);
        RefusesVote(v => v.Timestamp.Seconds = long.MaxValue);
        RefusesProposal(p => p.Type = SignedMsgType.Prevote);
        RefusesProposal(p => p.BlockId = null);
        RefusesProposal(p => p.PolRound = -2);
        RefusesProposal(p => p.PolRound = p.Round);
        Assert.That(signer.State, Is.EqualTo(SignState.Fresh));

        void RefusesVote(Action<Vote> change)
        {
            Vote vote = Vote(SignedMsgType.Prevote, 5, 0);
            change(vote);
            Assert.That(() => signer.SignVote(vote), Throws.TypeOf<SigningRefusedException>());
        }

        void RefusesProposal(Action<Proposal> change)
        {
            Proposal proposal = Proposal(5, 1);
            change(proposal);
            Assert.That(() => signer.SignProposal(proposal), Throws.TypeOf<SigningRefusedException>());
        }
    }

    [Test]
    [Property("Spec", "SIGN-9")]
    public void State_is_durable_before_the_signature_leaves()
    {
        SignState? saved = null;
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, state => saved = state);
        Vote signed = signer.SignVote(Vote(SignedMsgType.Prevote, 5, 0));
        Assert.That(IsValid([.. saved!.Bytes], signed.Signature), Is.True, "what was stored is what was signed");

        ConsensusSigner broken = new(Chain, _key, SignState.Fresh, _ => throw new IOException("disk full"));
        Assert.That(() => broken.SignVote(Vote(SignedMsgType.Prevote, 5, 0)), Throws.TypeOf<IOException>());
        Assert.That(broken.State, Is.EqualTo(SignState.Fresh));
        Message? answer = new RemoteSigner(Address, broken).Answer(new Message
        {
            SignVoteRequest = new SignVoteRequest { Vote = Vote(SignedMsgType.Prevote, 5, 0), ChainId = Chain },
        });
        Assert.That(answer!.SignedVoteResponse.Error.Description, Is.EqualTo("disk full"));
        Assert.That(answer.SignedVoteResponse.Vote.Signature.IsEmpty, Is.True);
    }

    /// <summary>
    /// The record stays, so that a device that lies once cannot be made to sign something else there.
    /// </summary>
    [Test]
    [Property("Spec", "SIGN-12")]
    public void A_key_that_signs_wrongly_releases_nothing()
    {
        using FaultyKey faulty = new();
        ConsensusSigner signer = new(Chain, faulty, SignState.Fresh, static _ => { });
        Assert.That(() => signer.SignVote(Vote(SignedMsgType.Prevote, 5, 0)), Throws.TypeOf<KeyFailedException>());
        Vote nil = Vote(SignedMsgType.Prevote, 5, 0);
        nil.BlockId = new BlockID();
        Assert.That(() => signer.SignVote(nil), Throws.TypeOf<SigningRefusedException>());
    }

    [Test]
    [Property("Spec", "SIGN-9")]
    public void A_lost_device_costs_answers_and_nothing_else()
    {
        using TroubledKey key = new() { IsLost = true };
        SignState disk = SignState.Fresh;
        ConsensusSigner signer = new(Chain, key, disk, state => disk = state);
        Vote vote = Vote(SignedMsgType.Prevote, 5, 0);
        Assert.That(() => signer.SignVote(vote), Throws.TypeOf<KeyFailedException>());

        // After a restart the device is back: the recorded bytes are signed, with the time first asked for.
        key.IsLost = false;
        ConsensusSigner again = new(Chain, key, disk, state => disk = state);
        Vote later = vote.Clone();
        later.Timestamp.Seconds += 3;
        Vote signed = again.SignVote(later);
        Assert.That(signed.Timestamp, Is.EqualTo(vote.Timestamp));
        Assert.That(IsValid(SignBytes.Vote(Chain, vote), signed.Signature), Is.True);
        Vote nil = Vote(SignedMsgType.Prevote, 5, 0);
        nil.BlockId = new BlockID();
        Assert.That(() => again.SignVote(nil), Throws.TypeOf<SigningRefusedException>());
        Assert.That(again.SignVote(Vote(SignedMsgType.Precommit, 5, 0)).Signature.IsEmpty, Is.False);
    }

    [Test]
    [Property("Spec", "SIGN-39")]
    public void A_signer_with_others_leaves_the_engine_to_them_while_its_device_is_lost()
    {
        using TroubledKey lost = new() { IsLost = true };
        using TroubledKey good = new();
        ConsensusSigner first = new(Chain, lost, new SignGuard(SignState.Fresh, static _ => { }), static _ => { });
        ConsensusSigner second = new(Chain, good, new SignGuard(SignState.Fresh, static _ => { }), static _ => { });
        using SignerListener node = new(Address, Chain, Patience);
        using CancellationTokenSource stop = new();
        Thread one = new(() => new RemoteSigner(Address, first).Run(stop.Token));
        one.Start();
        node.Ping();
        Thread two = new(() => new RemoteSigner(Address, second).Run(stop.Token));
        two.Start();

        // One question: the signer asked first cannot sign, and yet no vote is missed.
        Assert.That(node.SignVote(Vote(SignedMsgType.Prevote, 5, 0)).Signature.IsEmpty, Is.False);
        Assert.That(first.State.Height, Is.EqualTo(5), "it was asked");
        node.Ping();

        // The second one fails; the first dials now that its device is back.
        good.IsLost = true;
        lost.IsLost = false;
        Assert.That(node.SignVote(Vote(SignedMsgType.Prevote, 6, 0)).Signature.IsEmpty, Is.False);
        Assert.That(first.State.Height, Is.EqualTo(6));
        stop.Cancel();
        one.Join();
        two.Join();
    }

    [Test]
    [Property("Spec", "SIGN-26")]
    public void While_a_device_is_slow_pings_and_other_engines_are_answered()
    {
        using TroubledKey key = new() { Delay = TimeSpan.FromSeconds(6) };
        ConsensusSigner signer = new(Chain, key, SignState.Fresh, static _ => { });
        using SignerListener node = new(Address, Chain, Patience);
        using SignerListener standby = new($"unix://{_folder}/standby.sock", Chain, Patience);
        using CancellationTokenSource stop = new();
        Thread[] threads =
        [
            new(() => new RemoteSigner(Address, signer).Run(stop.Token)),
            new(() => new RemoteSigner($"unix://{_folder}/standby.sock", signer).Run(stop.Token)),
        ];
        foreach (Thread thread in threads) thread.Start();
        long start = Environment.TickCount64;
        Thread asking = new(() => Assert.That(() => node.SignVote(Vote(SignedMsgType.Prevote, 5, 0)),
            Throws.TypeOf<SigningRefusedException>().With.Message.Contains("has not answered in time")));
        asking.Start();
        standby.Ping();
        Assert.That(standby.PublicKey().Ed25519, Is.EqualTo(key.PublicKey));
        Assert.That(Environment.TickCount64 - start, Is.LessThan(3000));
        asking.Join();
        Assert.That(Environment.TickCount64 - start, Is.LessThan(5000), "before the node gives up");
        node.Ping();

        // The late signature is kept; the same question gets it without the device.
        Thread.Sleep(2500);
        start = Environment.TickCount64;
        Assert.That(standby.SignVote(Vote(SignedMsgType.Prevote, 5, 0)).Signature.IsEmpty, Is.False);
        Assert.That(Environment.TickCount64 - start, Is.LessThan(2000));
        stop.Cancel();
        foreach (Thread thread in threads) Assert.That(thread.Join(Patience), Is.True);
    }

    [Test]
    [Property("Spec", "SIGN-25")]
    public void Two_engines_of_one_validator_cannot_make_it_sign_twice()
    {
        using SignerListener active = new(Address, Chain, Patience);
        using SignerListener standby = new($"unix://{_folder}/standby.sock", Chain, Patience);
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, static _ => { });
        using CancellationTokenSource stop = new();
        Thread[] threads =
        [
            new(() => new RemoteSigner(Address, signer).Run(stop.Token)),
            new(() => new RemoteSigner($"unix://{_folder}/standby.sock", signer).Run(stop.Token)),
        ];
        foreach (Thread thread in threads) thread.Start();
        for (int height = 1; height <= 30; height++)
        {
            Vote block = Vote(SignedMsgType.Prevote, height, 0);
            Vote nil = Vote(SignedMsgType.Prevote, height, 0);
            nil.BlockId = new BlockID();
            int signed = 0;
            Thread other = new(() => Count(standby, nil));
            other.Start();
            Count(active, block);
            other.Join();
            Assert.That(signed, Is.EqualTo(1), $"height {height}");

            void Count(SignerListener engine, Vote vote)
            {
                try
                {
                    engine.SignVote(vote);
                    Interlocked.Increment(ref signed);
                }
                catch (SigningRefusedException)
                {
                    // The other one was first.
                }
            }
        }
        stop.Cancel();
        foreach (Thread thread in threads) Assert.That(thread.Join(Patience), Is.True);
    }

    [Test]
    [Property("Spec", "SIGN-17")]
    public void Signer_and_node_find_each_other_again_after_either_restarts()
    {
        SignerListener node = new(Address, Chain, Patience);
        Running running = new(this, Chain);
        ByteString first = node.SignVote(Vote(SignedMsgType.Prevote, 5, 0)).Signature;

        running.Dispose();
        running = new Running(this, Chain);
        Assert.That(node.SignVote(Vote(SignedMsgType.Prevote, 5, 0)).Signature, Is.EqualTo(first), "signer restarted");

        node.Dispose();
        Thread.Sleep(300);
        using SignerListener again = new(Address, Chain, Patience);
        Assert.That(again.SignVote(Vote(SignedMsgType.Prevote, 5, 0)).Signature, Is.EqualTo(first), "node restarted");
        Assert.That(() => again.SignVote(Vote(SignedMsgType.Prevote, 4, 0)), Throws.TypeOf<SigningRefusedException>());
        running.Dispose();
    }

    [Test]
    public void Without_a_signer_the_node_learns_so_in_time()
    {
        using SignerListener node = new(Address, Chain, TimeSpan.FromMilliseconds(200));
        Assert.That(() => node.Ping(), Throws.TypeOf<IOException>()
            .With.Message.EqualTo($"no answer from the signer on {Address}: no signer has connected"));
    }

    [Test]
    public void A_silent_signer_does_not_hold_the_node_for_ever()
    {
        using SignerListener node = new(Address, Chain, TimeSpan.FromMilliseconds(300));
        using Socket silent = SocketEndpoint.Parse(Address).Connect(Patience);
        Assert.That(() => node.Ping(), Throws.TypeOf<IOException>());
    }

    [Test]
    [Property("Spec", "SIGN-16")]
    public void Long_extensions_are_not_sent_back()
    {
        using SignerListener node = new(Address, Chain, Patience);
        using Running running = new(this, Chain);
        RemoteSigner signer = new(Address, new ConsensusSigner(Chain, _key, SignState.Fresh, static _ => { }));
        foreach (int size in (int[])[100, 1_024, 9_000, 9_900, 10_000, 10_240, 11_000, 500_000])
        {
            Vote vote = Vote(SignedMsgType.Precommit, 5, 0);
            vote.Extension = ByteString.CopyFrom(new byte[size]);
            Message answer = signer.Answer(new Message
            {
                SignVoteRequest = new SignVoteRequest { Vote = vote, ChainId = Chain },
            })!;
            Assert.That(answer.CalculateSize(), Is.LessThan(10_240 - 2), $"extension of {size}");
            Assert.That(answer.SignedVoteResponse.Vote.Extension.Length, Is.EqualTo(size <= 10_000 ? size : 0));

            Vote signed = node.SignVote(vote);
            Assert.That(signed.Extension, Is.EqualTo(vote.Extension));
            Assert.That(IsValid(SignBytes.VoteExtension(Chain, 5, 0, vote.Extension), signed.ExtensionSignature),
                Is.True);
        }
    }

    [TestCase("", TestName = "End at once")]
    [TestCase("00", TestName = "Empty message")]
    [TestCase("024200", TestName = "An answer instead of a question")]
    [TestCase("024a00", TestName = "Question of another version")]
    [TestCase("021aff", TestName = "Broken vote request")]
    [TestCase("0212", TestName = "Half a message")]
    [TestCase("ffffffff0f", TestName = "Endless message")]
    [Property("Spec", "SIGN-14")]
    public void Whatever_the_node_sends_the_signer_dials_again(string hex)
    {
        using Socket listener = SocketEndpoint.Parse(Address).Listen();
        using Running running = new(this, Chain);
        using (Socket first = listener.Accept())
        {
            first.Send(Convert.FromHexString(hex));
            first.Shutdown(SocketShutdown.Send);
            byte[] sink = new byte[100];
            try
            {
                while (first.Receive(sink) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // Reset by a signer that closed with bytes unread.
            }
        }
        Assert.That(listener.Poll(Patience, SelectMode.SelectRead), Is.True);
        using Socket second = listener.Accept();
        second.Send([2, 0x3A, 0]);
        byte[] answer = new byte[3];
        Assert.That(second.Receive(answer), Is.EqualTo(3));
        Assert.That(answer, Is.EqualTo((byte[])[2, 0x42, 0]));
    }

    [Test]
    public void Requests_without_content_are_refused()
    {
        RemoteSigner signer = new(Address, new ConsensusSigner(Chain, _key, SignState.Fresh, static _ => { }));
        Message vote = new() { SignVoteRequest = new SignVoteRequest { ChainId = Chain } };
        Assert.That(signer.Answer(vote)!.SignedVoteResponse.Error.Description, Is.EqualTo("the request holds no vote"));
        Message proposal = new() { SignProposalRequest = new SignProposalRequest { ChainId = Chain } };
        Assert.That(signer.Answer(proposal)!.SignedProposalResponse.Error, Is.Not.Null);
        Message longChain = new()
        {
            PubKeyRequest = new PubKeyRequest { ChainId = string.Concat(System.Linq.Enumerable.Repeat("😀", 5000)) },
        };
        Assert.That(signer.Answer(longChain)!.CalculateSize(), Is.LessThan(3000));
    }

    [Test]
    [Property("Spec", "SIGN-18")]
    public void Over_tcp_everything_is_encrypted()
    {
        using SoftwareKey identity = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)7, 32)]);
        using SignerListener node = new("tcp://127.0.0.1:0", Chain, Patience, signer: identity.PublicKey);
        using CancellationTokenSource stop = new();
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, static _ => { });
        Thread thread = new(() => new RemoteSigner(node.Address, signer, identity: identity).Run(stop.Token));
        thread.Start();
        Assert.That(node.PublicKey().Ed25519, Is.EqualTo(_key.PublicKey));
        Vote vote = Vote(SignedMsgType.Precommit, 5, 0);
        vote.Extension = ByteString.CopyFrom(new byte[500_000]);
        Vote signed = node.SignVote(vote);
        Assert.That(IsValid(SignBytes.VoteExtension(Chain, 5, 0, vote.Extension), signed.ExtensionSignature), Is.True);
        stop.Cancel();
        Assert.That(thread.Join(Patience), Is.True);
    }

    [Test]
    [Property("Spec", "SIGN-24")]
    public void A_signer_with_another_identity_is_not_taken()
    {
        using SoftwareKey identity = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)7, 32)]);
        using SignerListener node =
            new("tcp://127.0.0.1:0", Chain, TimeSpan.FromMilliseconds(800), signer: identity.PublicKey);
        using CancellationTokenSource stop = new();
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, static _ => { });
        Thread thread = new(() => new RemoteSigner(node.Address, signer).Run(stop.Token));
        thread.Start();
        Assert.That(() => node.PublicKey(), Throws.TypeOf<IOException>());
        stop.Cancel();
        Assert.That(thread.Join(Patience), Is.True);
    }

    [Test]
    public void Somebody_silent_on_the_port_does_not_lock_the_signer_out()
    {
        using SignerListener node = new("tcp://127.0.0.1:0", Chain, TimeSpan.FromSeconds(1));
        using Socket silent = SocketEndpoint.Parse(node.Address).Connect(Patience);
        Assert.That(() => node.Ping(), Throws.TypeOf<IOException>());
        using CancellationTokenSource stop = new();
        ConsensusSigner signer = new(Chain, _key, SignState.Fresh, static _ => { });
        Thread thread = new(() => new RemoteSigner(node.Address, signer).Run(stop.Token));
        thread.Start();
        Assert.That(() => node.Ping(), Throws.Nothing);
        stop.Cancel();
        Assert.That(thread.Join(Patience), Is.True);
    }

    private bool IsValid(byte[] bytes, ByteString signature) =>
        Ed25519.Verify(_key.PublicKey.Span, bytes, signature.Span);

    private static Vote Vote(SignedMsgType type, long height, int round) => new()
    {
        Type = type,
        Height = height,
        Round = round,
        BlockId = Id(),
        Timestamp = WireTime.Parse("2026-01-01T00:00:00Z"),
    };

    private static Proposal Proposal(long height, int round) => new()
    {
        Type = SignedMsgType.Proposal,
        Height = height,
        Round = round,
        PolRound = -1,
        BlockId = Id(),
        Timestamp = WireTime.Parse("2026-01-01T00:00:00Z"),
    };

    private static BlockID Id() => new()
    {
        Hash = ByteString.CopyFrom(new byte[32]),
        PartSetHeader = new PartSetHeader { Total = 1, Hash = ByteString.CopyFrom(new byte[32]) },
    };

    /// <summary>A signer process: its own thread, the state file opened anew.</summary>
    private sealed class Running : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly SignStateFile _file;
        private readonly Thread _thread;

        public Running(RemoteSignerTests test, string chain)
        {
            string path = System.IO.Path.Combine(test._folder, "state.json");
            _file = File.Exists(path) ? SignStateFile.Open(path) : SignStateFile.Create(path);
            RemoteSigner signer = new(test.Address, new ConsensusSigner(chain, test._key, _file), line =>
            {
                lock (test._log) test._log.Add(line);
            });
            _thread = new Thread(() => signer.Run(_stop.Token)) { IsBackground = true };
            _thread.Start();
        }

        public void Dispose()
        {
            _stop.Cancel();
            Assert.That(_thread.Join(Patience), Is.True);
            _file.Dispose();
            _stop.Dispose();
        }
    }

    private sealed class TroubledKey : ISigningKey
    {
        private readonly SoftwareKey _key = SoftwareKey.FromSeed(new byte[32]);

        public bool IsLost { get; set; }

        public TimeSpan Delay { get; init; }

        public ByteString PublicKey => _key.PublicKey;

        public byte[] Sign(ReadOnlySpan<byte> message)
        {
            Thread.Sleep(Delay);
            return IsLost ? throw new IOException("the device is gone") : _key.Sign(message);
        }

        public void Probe()
        {
            if (IsLost) throw new IOException("the device is gone");
        }

        public void Dispose() => _key.Dispose();
    }

    private sealed class FaultyKey : ISigningKey
    {
        public ByteString PublicKey { get; } = SoftwareKey.FromSeed(new byte[32]).PublicKey;

        public byte[] Sign(ReadOnlySpan<byte> message) => new byte[64];

        public void Probe()
        {
        }

        public void Dispose()
        {
        }
    }
}
