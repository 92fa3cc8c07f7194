using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>Two blocks of four validators whose hashes and signatures are known from elsewhere.</summary>
public sealed class MiniChainTests
{
    private static readonly SoftwareKey[] Keys = [.. Enumerable.Range(1, 4)
        .Select(i => SoftwareKey.FromSeed(Enumerable.Repeat((byte)i, 32).ToArray()))];

    private const string FirstSignature =
        "1DC4ACAD35E1F0D95EAFFF2C0DB6EA80141FFC00D3DA358D54CBD9E425FBE40A" +
        "95CF63E9864664BFCC2BAB78BB74DE90A8645060C1319ED314B0619CE5830208";

    [Test]
    public void Blocks_votes_and_commit_of_the_mini_chain_have_the_known_bytes()
    {
        Genesis genesis = Genesis.Parse(
            TestNetwork.GenesisJson(Keys.Select(key => key.PublicKey)).Replace("\"app\": \"0\"", "\"app\": \"1\""));
        ChainState state = genesis.ToState() with
        {
            AppHash = ByteString.CopyFrom(new byte[32]),
            LastResultsHash = BlockHashes.Results([]),
        };
        Assert.That(Hex(state.Validators.Hash()),
            Is.EqualTo("988CDEA842AB3B9F582749DC389C3297C61D8A00FC3C6EE77075DE178C83225E"));
        Assert.That(Hex(state.Validators.Proposer.Address), Is.EqualTo("34750F98BD59FCFC946DA45AAABE933BE154A4B5"));

        SealedBlock first = BlockRules.Build(
            state, [ByteString.CopyFromUtf8("a=1")], [], null, state.Validators.Proposer.Address);
        Assert.Multiple(() =>
        {
            Assert.That(Hex(first.Id.Hash),
                Is.EqualTo("4CB453D8B70C64B5CCA7708C8A09C3553DAAFABA3A8981275D87F597B3B892A2"));
            Assert.That(first.Bytes.Length, Is.EqualTo(344));
            Assert.That(Hex(first.Id.PartSetHeader.Hash),
                Is.EqualTo("652A0B406331E74394EFCAA082EBA4F7736D22E52A3FE832F82E6FBA63068A01"));
        });

        VoteSet precommits = new(
            "localnet-1", 1, 0, SignedMsgType.Precommit, state.Validators, extensions: false, new VerifiedSignatures());
        foreach ((int index, int milliseconds) in ((int, int)[])[(0, 1100), (1, 1400), (2, 1200)])
        {
            Vote vote = Precommit(state, first, index, milliseconds);
            if (index == 0) Assert.That(Hex(vote.Signature), Is.EqualTo(FirstSignature));
            Assert.That(precommits.Add(vote, out _), Is.EqualTo(VoteOutcome.Added));
        }
        ResponseFinalizeBlock results = new()
        {
            AppHash = ByteString.CopyFrom(SHA256.HashData(Encoding.UTF8.GetBytes("app1"))),
            TxResults = { new ExecTxResult() },
        };
        ChainState next = BlockExecutor.NextState(state, first, results);
        Commit commit = Commits.Strip(precommits.ToExtendedCommit());
        SealedBlock second = BlockRules.Build(next, [], [], commit, next.Validators.Proposer.Address);
        Assert.Multiple(() =>
        {
            Assert.That(Hex(second.Block.Header.LastCommitHash),
                Is.EqualTo("3739A6762BE709D5CCFAC9FFD4D7D392A0BDC32764C091D18DAC689E4AA68F1E"));
            Assert.That(WireTime.ToText(second.Block.Header.Time), Is.EqualTo("2026-01-01T00:00:01.2Z"));
            Assert.That(Hex(second.Id.Hash),
                Is.EqualTo("92C4DA7DF1EDA67FCCC06669D0EA263F29F1D4F790C52DE82F5BD58D9A0EEE54"));
            Assert.That(second.Bytes.Length, Is.EqualTo(820));
            Assert.That(Hex(second.Id.PartSetHeader.Hash),
                Is.EqualTo("B7093F94812C74E6E59E7A4E1626C7BB29D2A9A3B44B3FB9223EC81479FDD53D"));
            Assert.That(CheckWith(next, second, blockBytes: 820), Is.Null);
            Assert.That(CheckWith(next, second, blockBytes: 819), Is.EqualTo("too many bytes"));
            Assert.That(CheckWith(next, second, blockBytes: -1), Is.Null);
        });
    }

    // The block names the parameters that it was made under, so that it is wrong in nothing but its size.
    private static string? CheckWith(ChainState state, SealedBlock block, long blockBytes)
    {
        ConsensusParams parameters = state.Parameters.Clone();
        parameters.Block.MaxBytes = blockBytes;
        Block changed = block.Block.Clone();
        changed.Header.ConsensusHash = BlockHashes.ConsensusParams(parameters);
        return BlockRules.Check(
            state with { Parameters = parameters }, SealedBlock.Of(changed), state.LastTime + 2_000_000_000);
    }

    private static Vote Precommit(ChainState state, SealedBlock block, int index, int milliseconds)
    {
        ByteString address = state.Validators.Members[index].Address;
        SoftwareKey key = Keys.Single(item => BlockHashes.Address(item.PublicKey.Span) == address);
        Vote vote = new()
        {
            Type = SignedMsgType.Precommit,
            Height = 1,
            BlockId = block.Id,
            Timestamp = WireTime.FromNanoseconds(state.LastTime + milliseconds * 1_000_000L),
            ValidatorAddress = address,
            ValidatorIndex = index,
        };
        vote.Signature = ByteString.CopyFrom(key.Sign(SignBytes.Vote(state.ChainId, vote)));
        return vote;
    }

    private static string Hex(ByteString bytes) => Convert.ToHexString(bytes.Span);
}
