using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>
/// Writes wire messages as a CometBFT 0.38 node prints them over JSON-RPC: 64-bit integers as text, hashes and
/// addresses in upper hex, other bytes in base64 or null when empty. Each method writes one value.
/// </summary>
public static class RpcJsonWriter
{
    /// <summary>A header. The app version is left out when it is 0.</summary>
    public static void Header(Utf8JsonWriter json, Header header)
    {
        ArgumentNullException.ThrowIfNull(json);
        Header full = WireForm.Completed(header);
        json.WriteStartObject();
        json.WriteStartObject("version");
        json.WriteString("block", Number(full.Version.Block));
        if (full.Version.App != 0) json.WriteString("app", Number(full.Version.App));
        json.WriteEndObject();
        json.WriteString("chain_id", full.ChainId);
        json.WriteString("height", Number(full.Height));
        json.WriteString("time", WireTime.ToText(full.Time));
        json.WritePropertyName("last_block_id");
        BlockId(json, full.LastBlockId);
        json.WriteString("last_commit_hash", Hex(full.LastCommitHash));
        json.WriteString("data_hash", Hex(full.DataHash));
        json.WriteString("validators_hash", Hex(full.ValidatorsHash));
        json.WriteString("next_validators_hash", Hex(full.NextValidatorsHash));
        json.WriteString("consensus_hash", Hex(full.ConsensusHash));
        json.WriteString("app_hash", Hex(full.AppHash));
        json.WriteString("last_results_hash", Hex(full.LastResultsHash));
        json.WriteString("evidence_hash", Hex(full.EvidenceHash));
        json.WriteString("proposer_address", Hex(full.ProposerAddress));
        json.WriteEndObject();
    }

    /// <summary>A block id.</summary>
    public static void BlockId(Utf8JsonWriter json, BlockID id)
    {
        ArgumentNullException.ThrowIfNull(json);
        BlockID full = WireForm.Completed(id);
        json.WriteStartObject();
        json.WriteString("hash", Hex(full.Hash));
        json.WriteStartObject("parts");
        json.WriteNumber("total", full.PartSetHeader.Total);
        json.WriteString("hash", Hex(full.PartSetHeader.Hash));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>A commit.</summary>
    public static void Commit(Utf8JsonWriter json, Commit commit)
    {
        ArgumentNullException.ThrowIfNull(json);
        Commit full = WireForm.Completed(commit);
        json.WriteStartObject();
        json.WriteString("height", Number(full.Height));
        json.WriteNumber("round", full.Round);
        json.WritePropertyName("block_id");
        BlockId(json, full.BlockId);
        json.WriteStartArray("signatures");
        foreach (CommitSig signature in full.Signatures)
        {
            json.WriteStartObject();
            json.WriteNumber("block_id_flag", (int)signature.BlockIdFlag);
            json.WriteString("validator_address", Hex(signature.ValidatorAddress));
            json.WriteString("timestamp", WireTime.ToText(signature.Timestamp));
            Bytes(json, "signature", signature.Signature);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Header and commit together.</summary>
    public static void SignedHeader(Utf8JsonWriter json, Header header, Commit commit)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        json.WritePropertyName("header");
        Header(json, header);
        json.WritePropertyName("commit");
        Commit(json, commit);
        json.WriteEndObject();
    }

    /// <summary>A block.</summary>
    public static void Block(Utf8JsonWriter json, Block block)
    {
        ArgumentNullException.ThrowIfNull(json);
        Block full = WireForm.Completed(block);
        json.WriteStartObject();
        json.WritePropertyName("header");
        Header(json, full.Header);
        json.WriteStartObject("data");
        json.WriteStartArray("txs");
        foreach (ByteString tx in full.Data.Txs) json.WriteBase64StringValue(tx.Span);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject("evidence");
        json.WriteStartArray("evidence");
        foreach (Evidence evidence in full.Evidence.Evidence) Evidence(json, evidence);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WritePropertyName("last_commit");
        if (full.LastCommit is null) json.WriteNullValue();
        else Commit(json, full.LastCommit);
        json.WriteEndObject();
    }

    /// <summary>Evidence of two conflicting votes. Other kinds throw <see cref="NotSupportedException"/>.</summary>
    public static void Evidence(Utf8JsonWriter json, Evidence evidence)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (WireForm.Completed(evidence).DuplicateVoteEvidence is not { } duplicate)
        {
            throw new NotSupportedException($"evidence of kind {evidence.SumCase} has no JSON form here");
        }
        json.WriteStartObject();
        json.WriteString("type", RpcJsonReader.DuplicateVoteType);
        json.WriteStartObject("value");
        json.WritePropertyName("vote_a");
        Vote(json, duplicate.VoteA);
        json.WritePropertyName("vote_b");
        Vote(json, duplicate.VoteB);
        json.WriteString("TotalVotingPower", Number(duplicate.TotalVotingPower));
        json.WriteString("ValidatorPower", Number(duplicate.ValidatorPower));
        json.WriteString("Timestamp", WireTime.ToText(duplicate.Timestamp));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>A vote.</summary>
    public static void Vote(Utf8JsonWriter json, Vote vote)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(vote);
        json.WriteStartObject();
        json.WriteNumber("type", (int)vote.Type);
        json.WriteString("height", Number(vote.Height));
        json.WriteNumber("round", vote.Round);
        json.WritePropertyName("block_id");
        BlockId(json, vote.BlockId);
        json.WriteString("timestamp", WireTime.ToText(vote.Timestamp ?? WireTime.Zero));
        json.WriteString("validator_address", Hex(vote.ValidatorAddress));
        json.WriteNumber("validator_index", vote.ValidatorIndex);
        Bytes(json, "signature", vote.Signature);
        Bytes(json, "extension", vote.Extension);
        Bytes(json, "extension_signature", vote.ExtensionSignature);
        json.WriteEndObject();
    }

    /// <summary>A validator with its power and priority.</summary>
    public static void Validator(Utf8JsonWriter json, Wire.Types.Validator validator)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(validator);
        json.WriteStartObject();
        json.WriteString("address", Hex(validator.Address));
        json.WritePropertyName("pub_key");
        PublicKey(json, validator.PubKey);
        json.WriteString("voting_power", Number(validator.VotingPower));
        json.WriteString("proposer_priority", Number(validator.ProposerPriority));
        json.WriteEndObject();
    }

    /// <summary>A key as <c>{"type", "value"}</c>, or null.</summary>
    public static void PublicKey(Utf8JsonWriter json, PublicKey? key)
    {
        ArgumentNullException.ThrowIfNull(json);
        switch (key?.SumCase)
        {
            case Wire.Crypto.PublicKey.SumOneofCase.Ed25519:
                TypedKey(json, RpcJsonReader.Ed25519KeyType, key.Ed25519);
                break;
            case Wire.Crypto.PublicKey.SumOneofCase.Secp256K1:
                TypedKey(json, RpcJsonReader.Secp256k1KeyType, key.Secp256K1);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }

    /// <summary>Consensus parameters; parts that are not set are left out.</summary>
    public static void ConsensusParams(Utf8JsonWriter json, ConsensusParams parameters)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(parameters);
        json.WriteStartObject();
        if (parameters.Block is { } block)
        {
            json.WriteStartObject("block");
            json.WriteString("max_bytes", Number(block.MaxBytes));
            json.WriteString("max_gas", Number(block.MaxGas));
            json.WriteEndObject();
        }
        if (parameters.Evidence is { } evidence)
        {
            long seconds = evidence.MaxAgeDuration?.Seconds ?? 0;
            long age = checked((seconds * 1_000_000_000) + (evidence.MaxAgeDuration?.Nanos ?? 0));
            json.WriteStartObject("evidence");
            json.WriteString("max_age_num_blocks", Number(evidence.MaxAgeNumBlocks));
            json.WriteString("max_age_duration", Number(age));
            json.WriteString("max_bytes", Number(evidence.MaxBytes));
            json.WriteEndObject();
        }
        if (parameters.Validator is { } validator)
        {
            json.WriteStartObject("validator");
            json.WriteStartArray("pub_key_types");
            foreach (string type in validator.PubKeyTypes) json.WriteStringValue(type);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        if (parameters.Version is { } version)
        {
            json.WriteStartObject("version");
            json.WriteString("app", Number(version.App));
            json.WriteEndObject();
        }
        if (parameters.Abci is { } abci)
        {
            json.WriteStartObject("abci");
            json.WriteString("vote_extensions_enable_height", Number(abci.VoteExtensionsEnableHeight));
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    /// <summary>The answer of block_results: what a block's execution returned.</summary>
    public static void BlockResults(Utf8JsonWriter json, long height, ResponseFinalizeBlock results)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(results);
        json.WriteStartObject();
        json.WriteString("height", Number(height));
        List(json, "txs_results", results.TxResults, TxResult);
        List(json, "finalize_block_events", results.Events, Event);
        List(json, "validator_updates", results.ValidatorUpdates, ValidatorUpdate);
        json.WritePropertyName("consensus_param_updates");
        if (results.ConsensusParamUpdates is null) json.WriteNullValue();
        else ConsensusParams(json, results.ConsensusParamUpdates);
        Bytes(json, "app_hash", results.AppHash);
        json.WriteEndObject();
    }

    /// <summary>The result of one transaction.</summary>
    public static void TxResult(Utf8JsonWriter json, ExecTxResult result)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(result);
        json.WriteStartObject();
        json.WriteNumber("code", result.Code);
        Bytes(json, "data", result.Data);
        json.WriteString("log", result.Log);
        json.WriteString("info", result.Info);
        json.WriteString("gas_wanted", Number(result.GasWanted));
        json.WriteString("gas_used", Number(result.GasUsed));
        json.WriteStartArray("events");
        foreach (Event item in result.Events) Event(json, item);
        json.WriteEndArray();
        json.WriteString("codespace", result.Codespace);
        json.WriteEndObject();
    }

    /// <summary>An event.</summary>
    public static void Event(Utf8JsonWriter json, Event item)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(item);
        json.WriteStartObject();
        json.WriteString("type", item.Type);
        json.WriteStartArray("attributes");
        foreach (EventAttribute attribute in item.Attributes)
        {
            json.WriteStartObject();
            json.WriteString("key", attribute.Key);
            json.WriteString("value", attribute.Value);
            json.WriteBoolean("index", attribute.Index);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Inclusion of a transaction in the data hash.</summary>
    public static void TxProof(Utf8JsonWriter json, TxProof proof)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(proof);
        json.WriteStartObject();
        json.WriteString("root_hash", Hex(proof.RootHash));
        json.WriteBase64String("data", proof.Data.Span);
        json.WriteStartObject("proof");
        json.WriteString("total", Number(proof.Proof.Total));
        json.WriteString("index", Number(proof.Proof.Index));
        json.WriteBase64String("leaf_hash", proof.Proof.LeafHash.Span);
        json.WriteStartArray("aunts");
        foreach (ByteString aunt in proof.Proof.Aunts) json.WriteBase64StringValue(aunt.Span);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Bytes in upper hex.</summary>
    public static string Hex(ByteString bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return Convert.ToHexString(bytes.Span);
    }

    /// <summary>Named bytes in base64, null when empty.</summary>
    public static void Bytes(Utf8JsonWriter json, string name, ByteString bytes)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(bytes);
        if (bytes.IsEmpty) json.WriteNull(name);
        else json.WriteBase64String(name, bytes.Span);
    }

    private static void ValidatorUpdate(Utf8JsonWriter json, ValidatorUpdate update)
    {
        bool isEd25519 = update.PubKey?.SumCase == Wire.Crypto.PublicKey.SumOneofCase.Ed25519;
        ByteString key = (isEd25519 ? update.PubKey?.Ed25519 : update.PubKey?.Secp256K1) ?? ByteString.Empty;
        json.WriteStartObject();
        json.WriteStartObject("pub_key");
        json.WriteStartObject("Sum");
        json.WriteString("type", "tendermint.crypto.PublicKey_" + (isEd25519 ? "Ed25519" : "Secp256K1"));
        json.WriteStartObject("value");
        Bytes(json, isEd25519 ? "ed25519" : "secp256k1", key);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        if (update.Power != 0) json.WriteString("power", Number(update.Power));
        json.WriteEndObject();
    }

    private static void TypedKey(Utf8JsonWriter json, string type, ByteString key)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        Bytes(json, "value", key);
        json.WriteEndObject();
    }

    private static void List<T>(
        Utf8JsonWriter json, string name, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write)
    {
        json.WritePropertyName(name);
        if (items.Count == 0)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartArray();
        foreach (T item in items) write(json, item);
        json.WriteEndArray();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
