using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Privval;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Every signature of the recorded networks: commits, vote extensions, and what the external signer answered.
/// </summary>
internal sealed class RecordedSignaturesTests
{
    private static IEnumerable<string> SignerFiles() => SharedData.RecordedFiles("privval_node*.jsonl.gz");

    [TestCaseSource(typeof(SharedData), nameof(SharedData.Scenarios))]
    public void Commits_and_extensions_verify(string scenario)
    {
        RecordedChain chain = RecordedChain.Load(scenario);
        int signatures = 0;
        int extensions = 0;
        foreach ((long height, Commit commit) in chain.Commits)
        {
            Assert.That(CommitVerification.Fault(
                chain.ChainId, chain.Validators[height], chain.Ids[height], height, commit), Is.Null);
            signatures += commit.Signatures.Count(s => s.BlockIdFlag != BlockIDFlag.Absent);
        }
        foreach ((long height, Block block) in chain.Blocks)
        {
            if (!chain.Validators.TryGetValue(height - 1,
                out IReadOnlyList<Abci.Wire.Types.Validator>? validators)) continue;
            Assert.That(CommitVerification.Fault(
                chain.ChainId, validators, block.Header.LastBlockId, height - 1, block.LastCommit), Is.Null);
            extensions += VerifyExtensions(chain.ChainId, height - 1, validators, block.Data.Txs[0]);
        }
        Assert.That(signatures, Is.GreaterThan(30));
        Assert.That(extensions, Is.GreaterThan(30));
        TestContext.Out.WriteLine($"{scenario}: {signatures} commit signatures, {extensions} extensions");
    }

    private static int VerifyExtensions(
        string chainId, long height, IReadOnlyList<Abci.Wire.Types.Validator> validators, ByteString injected)
    {
        ExtendedCommitInfo info = ExtendedCommitInfo.Parser.ParseFrom(injected.Span["VEC1".Length..]);
        int verified = 0;
        for (int i = 0; i < info.Votes.Count; i++)
        {
            ExtendedVoteInfo vote = info.Votes[i];
            Assert.That(vote.Validator.Address, Is.EqualTo(validators[i].Address));
            if (vote.BlockIdFlag != BlockIDFlag.Commit)
            {
                Assert.That(vote.VoteExtension.IsEmpty && vote.ExtensionSignature.IsEmpty, Is.True);
                continue;
            }
            byte[] bytes = SignBytes.VoteExtension(chainId, height, info.Round, vote.VoteExtension);
            Assert.That(Ed25519.Verify(validators[i].PubKey.Ed25519.Span, bytes, vote.ExtensionSignature.Span),
                Is.True);
            verified++;
        }
        return verified;
    }

    /// <summary>
    /// The recorded questions, asked of our signer with the same key, get the recorded answers byte for byte:
    /// signatures, repeated votes with the stored time, echoed fields.
    /// </summary>
    [TestCaseSource(nameof(SignerFiles))]
    public void Signer_gives_the_recorded_answers(string file)
    {
        string scenario = file.Split('/')[0];
        string chainId = RecordedChain.Load(scenario).ChainId;
        byte[] seed = new byte[32];
        Array.Fill(seed, (byte)1);
        using SoftwareKey key = SoftwareKey.FromSeed(seed);
        RemoteSigner signer = new("unix:///unused",
            new ConsensusSigner(chainId, key, SignState.Fresh, static _ => { }));
        Message? question = null;
        int signed = 0;
        foreach (JsonElement line in SharedData.Lines("7_cometbft_recordings", scenario, file.Split('/')[1]))
        {
            // Lines with "ev" are notes, and over TCP the sealed bytes on the wire.
            if (line.TryGetProperty("ev", out _) || !line.TryGetProperty("frame", out JsonElement text)) continue;
            byte[] frame = text.GetBytesFromBase64();
            Assert.That(Frame.TryReadPrefix(frame, int.MaxValue, out int length, out int prefix), Is.True);
            Assert.That(prefix + length, Is.EqualTo(frame.Length));
            Message message = Message.Parser.ParseFrom(frame.AsSpan(prefix));
            Assert.That(message.ToByteArray(), Is.EqualTo(frame[prefix..]), "decoded and encoded again");
            if (line.GetProperty("dir").GetString() == "req")
            {
                question = message;
                continue;
            }
            Message? answer = signer.Answer(question!);
            Assert.That(answer!.ToByteArray(), Is.EqualTo(frame[prefix..]), () => $"asked {question}\ngot {answer}");
            if (message.SumCase is Message.SumOneofCase.SignedVoteResponse
                or Message.SumOneofCase.SignedProposalResponse) signed++;
        }
        Assert.That(signed, Is.GreaterThan(30));
        TestContext.Out.WriteLine($"{file}: {signed} signed answers");
    }
}
