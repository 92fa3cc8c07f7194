using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Abci.Wire.Version;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Golden values: those of CometBFT's own tests, a real block of its 0.38 fixtures, and a four-validator chain with
/// keys from the seeds 01…01 to 04…04.
/// </summary>
internal sealed class BlockHashesTests
{
    private const string EmptyHash = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";

    [Test]
    public void Header_hash_of_the_reference_test()
    {
        Header header = new()
        {
            Version = new Consensus { Block = 1, App = 2 },
            ChainId = "chainId",
            Height = 3,
            Time = WireTime.Parse("2019-10-13T16:14:44Z"),
            LastBlockId = new BlockID
            {
                Hash = ByteString.CopyFrom(new byte[32]),
                PartSetHeader = new PartSetHeader { Total = 6, Hash = ByteString.CopyFrom(new byte[32]) },
            },
            LastCommitHash = Sha256("last_commit_hash"),
            DataHash = Sha256("data_hash"),
            ValidatorsHash = Sha256("validators_hash"),
            NextValidatorsHash = Sha256("next_validators_hash"),
            ConsensusHash = Sha256("consensus_hash"),
            AppHash = Sha256("app_hash"),
            LastResultsHash = Sha256("last_results_hash"),
            EvidenceHash = Sha256("evidence_hash"),
            ProposerAddress = ByteString.CopyFrom(Sha256("proposer_address").Span[..20]),
        };
        Assert.That(Hex(BlockHashes.Header(header)),
            Is.EqualTo("F740121F553B5418C3EFBD343C2DBFE9E007BB67B0D020A0741374BAB65242A4"));
    }

    [Test]
    public void Header_without_validators_hash_has_no_hash()
    {
        Assert.That(BlockHashes.Header(new Header { Height = 3 }), Is.EqualTo(ByteString.Empty));
    }

    [TestCase(22020096, -1, "048091BC7DDC283F77BFBF91D73C44DA58C3DF8A9CBC867405D8B7F3DAADA22F")]
    [TestCase(4194304, -1, "BAB5041D16246E2757DB17AF4B55FAAFBFD8660F7EB32871C99F91D0E58D5BF2")]
    [TestCase(55600190, -1, "27521960C9E6E396E9B8E9C2AB1B23A87D0788CDF5886BF11E359AD5C4A2D27B")]
    public void Consensus_hash_covers_the_block_limits(long maxBytes, long maxGas, string expected)
    {
        ConsensusParams parameters = new() { Block = new BlockParams { MaxBytes = maxBytes, MaxGas = maxGas } };
        Assert.That(Hex(BlockHashes.ConsensusParams(parameters)), Is.EqualTo(expected));
    }

    [Test]
    public void Results_hash_keeps_code_data_and_gas_only()
    {
        ExecTxResult ok = new() { Log = "ignored", Info = "ignored", Codespace = "ignored", Events = { new Event() } };
        ExecTxResult failed = new() { Code = 1 };
        ExecTxResult full = new() { Data = ByteString.CopyFromUtf8("foo"), GasWanted = 100, GasUsed = 50 };
        Assert.That(Hex(BlockHashes.Results([])), Is.EqualTo(EmptyHash));
        Assert.That(Hex(BlockHashes.Results([ok])),
            Is.EqualTo("6E340B9CFFB37A989CA544E6BB780A2C78901D3FB33738768511A30617AFA01D"));
        Assert.That(Hex(BlockHashes.Results([ok, failed])),
            Is.EqualTo("486CDC4958F8BBC257387C8A9F61BEFD556499B9A133C96CF6D3AD42F98993E3"));
        Assert.That(Hex(BlockHashes.Results([full])),
            Is.EqualTo("B9F26982D7B7B24CA324B9E80D51389CCA5769C17B469DC52DD80935B9C64070"));
    }

    [Test]
    public void Block_1_of_the_fixture_chain_has_its_recorded_bytes_and_ids()
    {
        const string bytes =
            "0ab5020a04080b1001120b646f636b6572636861696e1801220c08e0c193a30610d7d8e5a5012a0212003220e3b0c44298fc1c1"
                + "49afbf4c8996fb92427ae41e4649b934ca495991b7852b8553a20e3b0c44298fc1c149afbf4c8996fb92"
                + "427ae41e4649b934ca495991b7852b855422033415effceda5bd0a3a443a727457d9f7b9e38389bf27a9"
                + "36fedf749a7b7566e4a2033415effceda5bd0a3a443a727457d9f7b9e38389bf27a936fedf749a7b7566"
                + "e5220048091bc7ddc283f77bfbf91d73c44da58c3df8a9cbc867405d8b7f3daada22f5a0800000000000"
                + "000006220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8556a20e3b0c44"
                + "298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85572142dd9f44fd9067555c322243"
                + "c3c913ba7b51d2be012001a0022041a021200";
        ByteString validators = BlockHashes.Validators(
        [
            new Abci.Wire.Types.Validator
            {
                PubKey = Ed25519("6cd3651a5b39476e700b749df3bdb417fdfeec8641857703db630d16d3e4fefd"),
                VotingPower = 10,
                ProposerPriority = 99,
            },
        ]);
        Assert.That(Hex(validators), Is.EqualTo("33415EFFCEDA5BD0A3A443A727457D9F7B9E38389BF27A936FEDF749A7B7566E"));

        ByteString empty = ByteString.CopyFrom(Convert.FromHexString(EmptyHash));
        Block block = new()
        {
            Header = new Header
            {
                Version = new Consensus { Block = 11, App = 1 },
                ChainId = "dockerchain",
                Height = 1,
                Time = WireTime.Parse("2023-05-17T14:12:48.347696215Z"),
                LastCommitHash = BlockHashes.Commit(new Commit()),
                DataHash = BlockHashes.Data([]),
                ValidatorsHash = validators,
                NextValidatorsHash = validators,
                ConsensusHash = BlockHashes.ConsensusParams(new ConsensusParams
                {
                    Block = new BlockParams { MaxBytes = 22020096, MaxGas = -1 },
                }),
                AppHash = ByteString.CopyFrom(new byte[8]),
                LastResultsHash = BlockHashes.Results([]),
                EvidenceHash = BlockHashes.Evidence([]),
                ProposerAddress = ByteString.CopyFrom(
                    Convert.FromHexString("2DD9F44FD9067555C322243C3C913BA7B51D2BE0")),
            },
            LastCommit = new Commit(),
        };
        Assert.That(block.Header.EvidenceHash, Is.EqualTo(empty));
        Assert.That(Convert.ToHexStringLower(WireForm.Encode(block)), Is.EqualTo(bytes));
        Assert.That(block.Data, Is.Null, "completing does not touch the given block");
        BlockID id = BlockIds.Of(block);
        Assert.That(Hex(id.Hash), Is.EqualTo("6CD5CF4E23A49D9BC073D6F305D29D1B8B5193B534C237696D42FEA5AFBCD520"));
        Assert.That(id.PartSetHeader.Total, Is.EqualTo(1));
        Assert.That(Hex(id.PartSetHeader.Hash),
            Is.EqualTo("F021777213F7EF77494C9B5C11D246A6F532DA146D205422D1FB85600F6B479C"));
    }

    [Test]
    public void Two_blocks_of_the_four_validator_chain()
    {
        Abci.Wire.Types.Validator[] validators = MiniChain.Validators();
        Assert.That(Hex(BlockHashes.Validators(validators)),
            Is.EqualTo("988CDEA842AB3B9F582749DC389C3297C61D8A00FC3C6EE77075DE178C83225E"));

        Block first = MiniChain.First();
        Assert.That(Hex(first.Header.DataHash),
            Is.EqualTo("7778CFAC4700AF4B8B290EC790B8F540437311DBD532A13017458A4D207369D0"));
        Assert.That(WireForm.Encode(first), Has.Length.EqualTo(344));
        BlockID firstId = BlockIds.Of(first);
        Assert.That(Hex(firstId.Hash), Is.EqualTo("4CB453D8B70C64B5CCA7708C8A09C3553DAAFABA3A8981275D87F597B3B892A2"));
        Assert.That(Hex(firstId.PartSetHeader.Hash),
            Is.EqualTo("652A0B406331E74394EFCAA082EBA4F7736D22E52A3FE832F82E6FBA63068A01"));

        // The hash of the commit covers the signatures, so the second block is checked where keys can sign: only its
        // time is reproduced here.
        Commit commit = new()
        {
            Height = 1,
            BlockId = firstId,
            Signatures =
            {
                MiniChain.Signed(validators[0], "2026-01-01T00:00:01.1Z"),
                MiniChain.Signed(validators[1], "2026-01-01T00:00:01.4Z"),
                MiniChain.Signed(validators[2], "2026-01-01T00:00:01.2Z"),
                new CommitSig { BlockIdFlag = BlockIDFlag.Absent },
            },
        };
        Assert.That(WireTime.ToText(MedianTime.Of(commit, validators)), Is.EqualTo("2026-01-01T00:00:01.2Z"));
    }

    [Test]
    public void Absent_signature_carries_the_year_1()
    {
        CommitSig absent = WireForm.Completed(new CommitSig { BlockIdFlag = BlockIDFlag.Absent });
        Assert.That(Convert.ToHexStringLower(absent.ToByteArray()), Is.EqualTo("08011a0b088092b8c398feffffff01"));
    }

    [Test]
    public void Block_with_evidence_has_its_recorded_hashes()
    {
        JsonElement fixtures = JsonDocument.Parse(SharedData.Text("5_vectors", "cometbft_v038_rpc_fixtures.json.gz"))
            .RootElement;
        JsonElement found = fixtures.GetProperty("incoming/block_search_evidence.json").GetProperty("result")
            .GetProperty("blocks")[0];
        Block block = RpcJsonReader.Block(found.GetProperty("block"));
        Assert.That(block.Evidence.Evidence, Has.Count.EqualTo(1));
        Assert.That(BlockHashes.Evidence(block.Evidence.Evidence), Is.EqualTo(block.Header.EvidenceHash));
        Assert.That(BlockIds.Of(block), Is.EqualTo(RpcJsonReader.BlockId(found.GetProperty("block_id"))));
        DuplicateVoteEvidence duplicate = block.Evidence.Evidence[0].DuplicateVoteEvidence;
        Assert.That(BlockIds.Key(duplicate.VoteA.BlockId).AsSpan()
            .SequenceCompareTo(BlockIds.Key(duplicate.VoteB.BlockId)), Is.LessThan(0));
        Assert.That(duplicate.TotalVotingPower, Is.EqualTo(1509));

        // The names that 0.38.25 takes in broadcast_evidence; with others it refuses the evidence.
        using var written = new System.IO.MemoryStream();
        using (var json = new Utf8JsonWriter(written)) RpcJsonWriter.Evidence(json, block.Evidence.Evidence[0]);
        JsonElement again = JsonDocument.Parse(written.ToArray()).RootElement;
        Assert.That(again.GetProperty("value").GetProperty("TotalVotingPower").GetString(), Is.EqualTo("1509"));
        Assert.That(RpcJsonReader.Evidence(again), Is.EqualTo(block.Evidence.Evidence[0]));
    }

    [Test]
    public void Every_block_of_the_fixtures_has_its_recorded_id()
    {
        JsonElement fixtures = JsonDocument.Parse(SharedData.Text("5_vectors", "cometbft_v038_rpc_fixtures.json.gz"))
            .RootElement;
        int blocks = 0;
        foreach (JsonProperty fixture in fixtures.EnumerateObject())
        {
            if (!fixture.Name.StartsWith("incoming/block", StringComparison.Ordinal)
                || !fixture.Value.TryGetProperty("result", out JsonElement result)
                || !result.TryGetProperty("block", out JsonElement json)) continue;
            Assert.That(BlockIds.Of(RpcJsonReader.Block(json)),
                Is.EqualTo(RpcJsonReader.BlockId(result.GetProperty("block_id"))), fixture.Name);
            blocks++;
        }
        Assert.That(blocks, Is.GreaterThanOrEqualTo(3));
    }

    [Test]
    public void Recorded_transaction_proofs_are_the_ones_made_here()
    {
        JsonElement fixtures = JsonDocument.Parse(SharedData.Text("5_vectors", "cometbft_v038_rpc_fixtures.json.gz"))
            .RootElement;
        JsonElement txs = fixtures.GetProperty("incoming/tx_search_with_prove.json").GetProperty("result")
            .GetProperty("txs");
        foreach (JsonElement tx in txs.EnumerateArray())
        {
            JsonElement recorded = tx.GetProperty("proof");
            ByteString bytes = RpcJsonReader.Base64(tx, "tx");
            Assert.That(BlockHashes.Transaction(bytes.Span), Is.EqualTo(RpcJsonReader.Hex(tx, "hash")));
            TxProof proof = BlockHashes.ProveTransaction([bytes], 0);
            Assert.That(proof.RootHash, Is.EqualTo(RpcJsonReader.Hex(recorded, "root_hash")));
            Assert.That(Json.Equal(Json.Of(writer => RpcJsonWriter.TxProof(writer, proof)), recorded), Is.True);
        }
    }

    [Test]
    public void Part_set_of_a_large_block_is_proven_part_by_part()
    {
        byte[] bytes = new byte[(3 * PartSet.PartSize) + 17];
        new Random(7).NextBytes(bytes);
        PartSet set = PartSet.Of(bytes);
        Assert.That(set.Header.Total, Is.EqualTo(4));
        Assert.That(set.Parts[3].Bytes.Length, Is.EqualTo(17));
        List<byte> joined = [];
        foreach (Part part in set.Parts)
        {
            Assert.That(PartSet.Verify(set.Header, part), Is.True);
            joined.AddRange(part.Bytes.Span);
        }
        Assert.That(joined, Is.EqualTo(bytes));

        Part wrongIndex = set.Parts[1].Clone();
        wrongIndex.Index = 2;
        Part wrongBytes = set.Parts[1].Clone();
        wrongBytes.Bytes = set.Parts[0].Bytes;
        Assert.That(PartSet.Verify(set.Header, wrongIndex), Is.False, "index must agree with the proof");
        Assert.That(PartSet.Verify(set.Header, wrongBytes), Is.False);
        Assert.That(PartSet.Verify(set.Header, new Part()), Is.False);
    }

    private static PublicKey Ed25519(string hex) =>
        new() { Ed25519 = ByteString.CopyFrom(Convert.FromHexString(hex)) };

    private static ByteString Sha256(string text) =>
        ByteString.CopyFrom(SHA256.HashData(Encoding.ASCII.GetBytes(text)));

    private static string Hex(ByteString bytes) => Convert.ToHexString(bytes.Span);
}
