using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Golden sign bytes: CometBFT's own tests, a vote of a real chain, and bytes worked out from the rules.
/// </summary>
internal sealed class SignBytesTests
{
    private const string Chain = "test_chain_id";

    private static readonly BlockID Id = new()
    {
        Hash = Sha256("blockID_hash"),
        PartSetHeader = new PartSetHeader { Total = 1_000_000, Hash = Sha256("blockID_part_set_header_hash") },
    };

    private static readonly Timestamp Time = WireTime.Parse("2017-12-25T03:00:01.234Z");

    [TestCase("", 0, 0, 0, "0d2a0b088092b8c398feffffff01")]
    [TestCase("", 2, 1, 1, "2108021101000000000000001901000000000000002a0b088092b8c398feffffff01")]
    [TestCase("", 1, 1, 1, "2108011101000000000000001901000000000000002a0b088092b8c398feffffff01")]
    [TestCase("", 0, 1, 1, "1f1101000000000000001901000000000000002a0b088092b8c398feffffff01")]
    [TestCase(Chain, 0, 1, 1,
        "2e1101000000000000001901000000000000002a0b088092b8c398feffffff01320d746573745f636861696e5f6964")]
    [Property("Spec", "SIGN-1")]
    public void Votes_of_the_reference_test(string chain, int type, long height, int round, string expected)
    {
        Vote vote = new() { Type = (SignedMsgType)type, Height = height, Round = round };
        Assert.That(Hex(SignBytes.Vote(chain, vote)), Is.EqualTo(expected));
        vote.Extension = ByteString.CopyFromUtf8("extension");
        vote.Timestamp = WireTime.Zero;
        vote.BlockId = new BlockID();
        Assert.That(Hex(SignBytes.Vote(chain, vote)), Is.EqualTo(expected), "the extension is not covered");
    }

    [Test]
    public void Votes_of_the_shared_vector_file()
    {
        JsonElement file = JsonDocument.Parse(SharedData.Text("5_vectors", "cometbft_sign_bytes_and_header_hash.json"))
            .RootElement;
        int cases = 0;
        foreach (JsonElement item in file.GetProperty("vote_sign_bytes").EnumerateArray())
        {
            string type = item.GetProperty("type").ToString();
            Vote vote = new()
            {
                Type = type.Contains("precommit", StringComparison.Ordinal) ? SignedMsgType.Precommit
                    : type.Contains("prevote", StringComparison.Ordinal) ? SignedMsgType.Prevote
                    : SignedMsgType.Unknown,
                Height = item.GetProperty("height").GetInt64(),
                Round = item.GetProperty("round").GetInt32(),
            };
            string chain = item.GetProperty("chain_id").GetString()!;
            Assert.That(Hex(SignBytes.Vote(chain, vote)), Is.EqualTo(item.GetProperty("want").GetString()));
            cases++;
        }
        Assert.That(cases, Is.EqualTo(6));
    }

    [Test]
    public void Precommit_of_a_real_chain_verifies()
    {
        Vote vote = new()
        {
            Type = SignedMsgType.Precommit,
            Height = 9,
            BlockId = new BlockID
            {
                Hash = FromHex("678A83FB0422D053A3792154703122861DD68ABB8247A4FF2945DF832DB18FC8"),
                PartSetHeader = new PartSetHeader
                {
                    Total = 1,
                    Hash = FromHex("29FE32F6B57D8439C9E9F6240B436DD560646FDA8C8C105E2C261B6F4746E89C"),
                },
            },
            Timestamp = WireTime.Parse("2023-05-17T14:12:53.088875124Z"),
        };
        byte[] bytes = SignBytes.Vote("dockerchain", vote);
        Assert.That(Hex(bytes), Is.EqualTo("6f080211090000000000000022480a20678a83fb0422d053a3792154703122861dd68abb"
            + "8247a4ff2945df832db18fc812240801122029fe32f6b57d8439c9e9f6240b436dd560646fda8c8c105e2c26"
            + "1b6f4746e89c2a0b08e5c193a30610f4c0b02a320b646f636b6572636861696e"));
        byte[] key = Convert.FromBase64String("bNNlGls5R25wC3Sd8720F/3+7IZBhXcD22MNFtPk/v0=");
        byte[] signature = Convert.FromBase64String(
            "BMy5pB3a9xeEnuBkja/a6GUvP1guZ2lMQtZYvdrl8s0ri1/LaF0JuI9rOsy1biVTv+TDKzlBXTZ5gdgiq0uCAg==");
        Assert.That(Ed25519.Verify(key, bytes, signature), Is.True);
        Assert.That(Ed25519.VerifyZip215(key, bytes, signature), Is.True);
    }

    [Test]
    [Property("Spec", "SIGN-1")]
    public void Votes_for_a_block_and_for_nil()
    {
        const string block = "224a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d12207"
            + "2db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a";
        const string tail = "2a0b08b1d381d20510809dca6f320d746573745f636861696e5f6964";
        Vote vote = new() { Height = 12345, Round = 2, BlockId = Id, Timestamp = Time };
        vote.Type = SignedMsgType.Prevote;
        Assert.That(Hex(SignBytes.Vote(Chain, vote)),
            Is.EqualTo("7c0801113930000000000000190200000000000000" + block + tail));
        vote.Type = SignedMsgType.Precommit;
        Assert.That(Hex(SignBytes.Vote(Chain, vote)),
            Is.EqualTo("7c0802113930000000000000190200000000000000" + block + tail));
        vote.BlockId = new BlockID { PartSetHeader = new PartSetHeader() };
        Assert.That(Hex(SignBytes.Vote(Chain, vote)),
            Is.EqualTo("3008021139300000000000001902000000000000" + "00" + tail));
        vote.BlockId = Id;
        vote.Round = 0;
        Assert.That(Hex(SignBytes.Vote(Chain, vote)), Is.EqualTo("730802113930000000000000" + block + tail));
    }

    [Test]
    [Property("Spec", "SIGN-1")]
    public void Extensions_with_and_without_content()
    {
        Assert.That(Hex(SignBytes.VoteExtension(Chain, 12345, 2, ByteString.CopyFromUtf8("extension"))), Is.EqualTo(
            "2c0a09657874656e73696f6e113930000000000000190200000000000000220d746573745f636861696e5f6964"));
        Assert.That(Hex(SignBytes.VoteExtension(Chain, 12345, 0, ByteString.Empty)), Is.EqualTo(
            "18113930000000000000220d746573745f636861696e5f6964"));
    }

    [Test]
    [Property("Spec", "SIGN-1")]
    public void Proposals_with_and_without_a_justifying_round()
    {
        ByteString hash = ByteString.CopyFromUtf8("--June_15_2020_amino_was_removed");
        Proposal proposal = new()
        {
            Type = SignedMsgType.Proposal,
            Height = 12345,
            Round = 23456,
            PolRound = -1,
            BlockId = new BlockID { Hash = hash, PartSetHeader = new PartSetHeader { Total = 111, Hash = hash } },
            Timestamp = WireTime.Parse("2018-02-11T07:09:22.765Z"),
        };
        const string block = "2a480a202d2d4a756e655f31355f323032305f616d696e6f5f7761735f72656d6f7665641224086f12202d"
            + "2d4a756e655f31355f323032305f616d696e6f5f7761735f72656d6f766564";
        const string tail = "320c08a2d8ffd30510c0f2e3ec023a0d746573745f636861696e5f6964";
        Assert.That(Hex(SignBytes.Proposal(Chain, proposal)), Is.EqualTo(
            "8601082011393000000000000019a05b00000000000020ffffffffffffffffff01" + block + tail));
        proposal.PolRound = 0;
        proposal.Round = 1;
        Assert.That(Hex(SignBytes.Proposal(Chain, proposal)), Is.EqualTo(
            "7b08201139300000000000001901000000000000" + "00" + block + tail));
    }

    /// <summary>Naive twin: the generated classes of the canonical messages; fields of any size and sign.</summary>
    [Test]
    [Property("Spec", "SIGN-1")]
    public void The_bytes_are_those_of_the_canonical_messages()
    {
        Random random = new(1);
        for (int i = 0; i < 2_000; i++)
        {
            string chain = random.Next(4) == 0 ? "chaîne-€-𝄞" : new string('c', random.Next(60));
            SignedMsgType type = (SignedMsgType)random.Next(-1, 40);
            long height = Any(random);
            int round = unchecked((int)Any(random));
            BlockID? id = random.Next(4) switch
            {
                0 => null,
                1 => new BlockID { Hash = AnyBytes(random) },
                _ => new BlockID
                {
                    Hash = AnyBytes(random),
                    PartSetHeader = new PartSetHeader { Total = unchecked((uint)Any(random)), Hash = AnyBytes(random) },
                },
            };
            Timestamp time = new() { Seconds = Any(random), Nanos = unchecked((int)Any(random)) };
            CanonicalBlockID? canonical = BlockIds.IsNil(id) ? null : new CanonicalBlockID
            {
                Hash = id!.Hash,
                PartSetHeader = new CanonicalPartSetHeader
                {
                    Total = id.PartSetHeader?.Total ?? 0,
                    Hash = id.PartSetHeader?.Hash ?? ByteString.Empty,
                },
            };

            Vote vote = new() { Type = type, Height = height, Round = round, BlockId = id, Timestamp = time };
            Assert.That(Hex(SignBytes.Vote(chain, vote)), Is.EqualTo(Hex(Delimited(new CanonicalVote
            {
                Type = type, Height = height, Round = round, BlockId = canonical, Timestamp = time, ChainId = chain,
            }))));

            int justifying = unchecked((int)Any(random));
            Proposal proposal = new()
            {
                Type = type, Height = height, Round = round, PolRound = justifying, BlockId = id, Timestamp = time,
            };
            Assert.That(Hex(SignBytes.Proposal(chain, proposal)), Is.EqualTo(Hex(Delimited(new CanonicalProposal
            {
                Type = type, Height = height, Round = round, PolRound = justifying, BlockId = canonical,
                Timestamp = time, ChainId = chain,
            }))));

            ByteString extension = AnyBytes(random);
            Assert.That(Hex(SignBytes.VoteExtension(chain, height, round, extension)), Is.EqualTo(Hex(Delimited(
                new CanonicalVoteExtension
                {
                    Extension = extension, Height = height, Round = round, ChainId = chain,
                }))));
        }

        static long Any(Random random) => random.Next(4) switch
        {
            0 => 0,
            1 => random.Next(300),
            _ => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64),
        };

        static ByteString AnyBytes(Random random)
        {
            byte[] bytes = new byte[random.Next(4) switch { 0 => 0, 1 => 32, 2 => random.Next(200), _ => 600 }];
            random.NextBytes(bytes);
            return ByteString.CopyFrom(bytes);
        }

        static byte[] Delimited(IMessage message)
        {
            using System.IO.MemoryStream stream = new();
            message.WriteDelimitedTo(stream);
            return stream.ToArray();
        }
    }

    /// <summary>The four-validator chain: votes, extension, commit hash and the whole second block.</summary>
    [Test]
    public void Signatures_and_second_block_of_the_four_validator_chain()
    {
        Block first = MiniChain.First();
        BlockID id = BlockIds.Of(first);
        Validator[] validators = MiniChain.Validators();
        Commit commit = new() { Height = 1, BlockId = id };
        string[] times = ["2026-01-01T00:00:01.1Z", "2026-01-01T00:00:01.4Z", "2026-01-01T00:00:01.2Z"];
        for (int i = 0; i < times.Length; i++)
        {
            using SoftwareKey key = Key(i + 1);
            Assert.That(key.PublicKey, Is.EqualTo(validators[i].PubKey.Ed25519));
            Vote vote = new()
            {
                Type = SignedMsgType.Precommit,
                Height = 1,
                BlockId = id,
                Timestamp = WireTime.Parse(times[i]),
            };
            byte[] bytes = SignBytes.Vote(MiniChain.ChainId, vote);
            CommitSig entry = MiniChain.Signed(validators[i], times[i]);
            entry.Signature = ByteString.CopyFrom(key.Sign(bytes));
            commit.Signatures.Add(entry);
            if (i > 0) continue;
            Assert.That(Hex(bytes), Is.EqualTo("6e080211010000000000000022480a204cb453d8b70c64b5cca7708c8a09c3553daa"
                + "faba3a8981275d87f597b3b892a2122408011220652a0b406331e74394efcaa082eba4f7736d22e52a3f"
                + "e832f82e6fba63068a012a0b0881f2d6ca061080c2d72f320a6c6f63616c6e65742d31"));
            Assert.That(Hex(entry.Signature.ToByteArray()), Is.EqualTo("1dc4acad35e1f0d95eafff2c0db6ea80141ffc00d3da"
                + "358d54cbd9e425fbe40a95cf63e9864664bfcc2bab78bb74de90a8645060c1319ed314b0619ce5830208"));
        }
        commit.Signatures.Add(new CommitSig { BlockIdFlag = BlockIDFlag.Absent });
        Assert.That(Hex(BlockHashes.Commit(commit).ToByteArray()),
            Is.EqualTo("3739a6762be709d5ccfac9ffd4d7d392a0bdc32764c091d18dac689e4aa68f1e"));
        Assert.That(CommitVerification.Fault(MiniChain.ChainId, validators, id, 1, commit), Is.Null);

        Block second = MiniChain.Second(commit, Sha256("app1"));
        Assert.That(WireForm.Encode(second), Has.Length.EqualTo(820));
        BlockID secondId = BlockIds.Of(second);
        Assert.That(Hex(secondId.Hash.ToByteArray()),
            Is.EqualTo("92c4da7df1eda67fccc06669d0ea263f29f1d4f790c52de82f5bd58d9a0eee54"));
        Assert.That(Hex(secondId.PartSetHeader.Hash.ToByteArray()),
            Is.EqualTo("b7093f94812c74e6e59e7a4e1626c7bb29d2a9a3b44b3fb9223ec81479fdd53d"));

        byte[] extension = SignBytes.VoteExtension(MiniChain.ChainId, 1, 0, ByteString.CopyFromUtf8("price=42"));
        Assert.That(Hex(extension), Is.EqualTo("1f0a0870726963653d3432110100000000000000220a6c6f63616c6e65742d31"));
        using SoftwareKey signer = Key(1);
        Assert.That(Hex(signer.Sign(extension)), Is.EqualTo("ac07d35a62c4549e67c0312083278a040b625df3455b398d8bc4d9a"
            + "af1ff2c0f619d2139fd466f54f53671741a5537756a4266aa17f3e542d2c42a649bcda40b"));
    }

    [Test]
    [Property("Spec", "SIGN-20")]
    public void A_commit_that_does_not_hold_says_why()
    {
        RecordedChain chain = RecordedChain.Load("a_plain");
        IReadOnlyList<Validator> validators = chain.Validators[5];
        Assert.That(Fault(_ => { }), Is.Null);
        Assert.That(Fault(c => c.Height++), Does.StartWith("the commit is for height"));
        Assert.That(Fault(c => c.BlockId.PartSetHeader.Total++), Is.EqualTo("the commit is for another block"));
        Assert.That(Fault(c => c.Signatures.RemoveAt(0)), Is.EqualTo("the commit has 3 entries for 4 validators"));
        Assert.That(Fault(c => c.Round++), Does.Contain("is not valid"));
        Assert.That(Fault(c => c.Signatures[1].Timestamp.Nanos ^= 1),
            Is.EqualTo("the signature of entry 1 is not valid"));
        Assert.That(Fault(c => c.Signatures[1] = c.Signatures[0]), Is.EqualTo("entry 1 is of another validator"));
        Assert.That(Fault(c => c.Signatures[2].BlockIdFlag = BlockIDFlag.Nil), Does.Contain("is not valid"));
        Assert.That(Fault(c => c.Signatures[2].BlockIdFlag = BlockIDFlag.Unknown), Does.Contain("unknown flag"));
        Assert.That(Fault(c =>
        {
            c.Signatures[2].BlockIdFlag = BlockIDFlag.Absent;
            c.Signatures[3].BlockIdFlag = BlockIDFlag.Absent;
        }), Is.EqualTo("only 20 of 40 power signed the block"));

        string? Fault(Action<Commit> change)
        {
            Commit commit = chain.Commits[5].Clone();
            change(commit);
            return CommitVerification.Fault(chain.ChainId, validators, chain.Ids[5], 5, commit);
        }
    }

    private static SoftwareKey Key(int seed)
    {
        byte[] bytes = new byte[32];
        Array.Fill(bytes, (byte)seed);
        return SoftwareKey.FromSeed(bytes);
    }

    private static ByteString Sha256(string text) =>
        ByteString.CopyFrom(SHA256.HashData(Encoding.ASCII.GetBytes(text)));

    private static ByteString FromHex(string hex) => ByteString.CopyFrom(Convert.FromHexString(hex));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
