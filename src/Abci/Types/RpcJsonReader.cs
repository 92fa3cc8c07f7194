using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Abci.Wire.Version;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Abci;

/// <summary>
/// Reads what a CometBFT node answers over JSON-RPC into wire messages. Lenient where nodes differ: integers as text or
/// number, hex in either case, absent or null for empty. Anything else throws <see cref="FormatException"/> that names
/// the field.
/// </summary>
public static class RpcJsonReader
{
    /// <summary>JSON type name of Ed25519 public keys.</summary>
    public const string Ed25519KeyType = "tendermint/PubKeyEd25519";

    /// <summary>JSON type name of secp256k1 public keys.</summary>
    public const string Secp256k1KeyType = "tendermint/PubKeySecp256k1";

    /// <summary>JSON type name of evidence of two conflicting votes.</summary>
    public const string DuplicateVoteType = "tendermint/DuplicateVoteEvidence";

    /// <summary>The <c>header</c> object of block, commit and header answers.</summary>
    public static Header Header(JsonElement json)
    {
        JsonElement version = Member(json, "version");
        return new Header
        {
            Version = new Consensus { Block = UInt64(version, "block"), App = UInt64(version, "app") },
            ChainId = Text(json, "chain_id"),
            Height = Int64(json, "height"),
            Time = Time(json, "time"),
            LastBlockId = BlockId(Member(json, "last_block_id")),
            LastCommitHash = Hex(json, "last_commit_hash"),
            DataHash = Hex(json, "data_hash"),
            ValidatorsHash = Hex(json, "validators_hash"),
            NextValidatorsHash = Hex(json, "next_validators_hash"),
            ConsensusHash = Hex(json, "consensus_hash"),
            AppHash = Hex(json, "app_hash"),
            LastResultsHash = Hex(json, "last_results_hash"),
            EvidenceHash = Hex(json, "evidence_hash"),
            ProposerAddress = Hex(json, "proposer_address"),
        };
    }

    /// <summary>A <c>block_id</c> object.</summary>
    public static BlockID BlockId(JsonElement json)
    {
        JsonElement parts = Member(json, "parts");
        return new BlockID
        {
            Hash = Hex(json, "hash"),
            PartSetHeader = new PartSetHeader { Total = UInt32(parts, "total"), Hash = Hex(parts, "hash") },
        };
    }

    /// <summary>A <c>commit</c> or <c>last_commit</c> object.</summary>
    public static Commit Commit(JsonElement json)
    {
        Commit commit = new()
        {
            Height = Int64(json, "height"),
            Round = Int32(json, "round"),
            BlockId = BlockId(Member(json, "block_id")),
        };
        foreach (JsonElement item in Items(json, "signatures"))
        {
            commit.Signatures.Add(new CommitSig
            {
                BlockIdFlag = (BlockIDFlag)Int32(item, "block_id_flag"),
                ValidatorAddress = Hex(item, "validator_address"),
                Timestamp = Time(item, "timestamp"),
                Signature = Base64(item, "signature"),
            });
        }
        return commit;
    }

    /// <summary>The <c>signed_header</c> object of a commit answer.</summary>
    public static SignedHeader SignedHeader(JsonElement json) =>
        new() { Header = Header(Member(json, "header")), Commit = Commit(Member(json, "commit")) };

    /// <summary>The <c>block</c> object of a block answer.</summary>
    public static Block Block(JsonElement json)
    {
        Block block = new()
        {
            Header = Header(Member(json, "header")),
            Data = new Data(),
            Evidence = new EvidenceList(),
            LastCommit = Commit(Member(json, "last_commit")),
        };
        foreach (JsonElement tx in Items(Member(json, "data"), "txs")) block.Data.Txs.Add(Base64(tx, "txs"));
        foreach (JsonElement item in Items(Member(json, "evidence"), "evidence"))
        {
            block.Evidence.Evidence.Add(Evidence(item));
        }
        return block;
    }

    /// <summary>One piece of evidence. Only conflicting votes are understood.</summary>
    public static Evidence Evidence(JsonElement json)
    {
        string type = Text(json, "type");
        if (type != DuplicateVoteType) throw new FormatException($"evidence of type '{type}' is not understood");
        JsonElement value = Member(json, "value");

        // CometBFT 0.38 has no names of its own for these three and takes those of the language; other versions have
        // names.
        bool isNamed = value.TryGetProperty("total_voting_power", out _);
        return new Evidence
        {
            DuplicateVoteEvidence = new DuplicateVoteEvidence
            {
                VoteA = Vote(Member(value, "vote_a")),
                VoteB = Vote(Member(value, "vote_b")),
                TotalVotingPower = Int64(value, isNamed ? "total_voting_power" : "TotalVotingPower"),
                ValidatorPower = Int64(value, isNamed ? "validator_power" : "ValidatorPower"),
                Timestamp = Time(value, isNamed ? "timestamp" : "Timestamp"),
            },
        };
    }

    /// <summary>A vote.</summary>
    public static Vote Vote(JsonElement json) => new()
    {
        Type = (SignedMsgType)Int32(json, "type"),
        Height = Int64(json, "height"),
        Round = Int32(json, "round"),
        BlockId = BlockId(Member(json, "block_id")),
        Timestamp = Time(json, "timestamp"),
        ValidatorAddress = Hex(json, "validator_address"),
        ValidatorIndex = Int32(json, "validator_index"),
        Signature = Base64(json, "signature"),
        Extension = Base64(json, "extension"),
        ExtensionSignature = Base64(json, "extension_signature"),
    };

    /// <summary>The <c>validators</c> list of a validators answer (one page).</summary>
    public static IReadOnlyList<Wire.Types.Validator> Validators(JsonElement answer)
    {
        List<Wire.Types.Validator> validators = [];
        foreach (JsonElement item in Items(answer, "validators"))
        {
            validators.Add(new Wire.Types.Validator
            {
                Address = Hex(item, "address"),
                PubKey = PublicKey(Member(item, "pub_key")),
                VotingPower = Int64(item, "voting_power"),
                ProposerPriority = Int64(item, "proposer_priority"),
            });
        }
        return validators;
    }

    /// <summary>A key as <c>{"type", "value"}</c>.</summary>
    public static PublicKey PublicKey(JsonElement json)
    {
        ByteString value = Base64(json, "value");
        return Text(json, "type") switch
        {
            Ed25519KeyType when value.Length == 32 => new PublicKey { Ed25519 = value },
            Secp256k1KeyType when value.Length == 33 => new PublicKey { Secp256K1 = value },
            string type => throw new FormatException($"public key of type '{type}' with {value.Length} bytes"),
        };
    }

    /// <summary>The <c>consensus_params</c> object; parts that are absent or null stay unset.</summary>
    public static ConsensusParams ConsensusParams(JsonElement json)
    {
        ConsensusParams parameters = new();
        if (TryMember(json, "block", out JsonElement block))
        {
            parameters.Block = new BlockParams
            {
                MaxBytes = Int64(block, "max_bytes"),
                MaxGas = Int64(block, "max_gas"),
            };
        }
        if (TryMember(json, "evidence", out JsonElement evidence))
        {
            long age = Int64(evidence, "max_age_duration");
            parameters.Evidence = new EvidenceParams
            {
                MaxAgeNumBlocks = Int64(evidence, "max_age_num_blocks"),
                MaxAgeDuration = new Duration { Seconds = age / 1_000_000_000, Nanos = (int)(age % 1_000_000_000) },
                MaxBytes = Int64(evidence, "max_bytes"),
            };
        }
        if (TryMember(json, "validator", out JsonElement validator))
        {
            parameters.Validator = new ValidatorParams();
            foreach (JsonElement type in Items(validator, "pub_key_types"))
            {
                parameters.Validator.PubKeyTypes.Add(String(type, "pub_key_types"));
            }
        }
        if (TryMember(json, "version", out JsonElement version))
        {
            parameters.Version = new VersionParams { App = UInt64(version, "app") };
        }
        if (TryMember(json, "abci", out JsonElement abci))
        {
            parameters.Abci = new ABCIParams
            {
                VoteExtensionsEnableHeight = Int64(abci, "vote_extensions_enable_height"),
            };
        }
        return parameters;
    }

    /// <summary>The result of one transaction.</summary>
    public static ExecTxResult TxResult(JsonElement json)
    {
        ExecTxResult result = new()
        {
            Code = UInt32(json, "code"),
            Data = Base64(json, "data"),
            Log = Text(json, "log"),
            Info = Text(json, "info"),
            GasWanted = Int64(json, "gas_wanted"),
            GasUsed = Int64(json, "gas_used"),
            Codespace = Text(json, "codespace"),
        };
        result.Events.AddRange(Events(json, "events"));
        return result;
    }

    /// <summary>A list of events.</summary>
    public static IReadOnlyList<Event> Events(JsonElement json, string name)
    {
        List<Event> events = [];
        foreach (JsonElement item in Items(json, name))
        {
            Event one = new() { Type = Text(item, "type") };
            foreach (JsonElement attribute in Items(item, "attributes"))
            {
                one.Attributes.Add(new EventAttribute
                {
                    Key = Text(attribute, "key"),
                    Value = Text(attribute, "value"),
                    Index = TryMember(attribute, "index", out JsonElement index)
                        && index.ValueKind == JsonValueKind.True,
                });
            }
            events.Add(one);
        }
        return events;
    }

    /// <summary>The result of a block_results answer; its app hash may be absent on older nodes.</summary>
    public static ResponseFinalizeBlock BlockResults(JsonElement answer)
    {
        ResponseFinalizeBlock results = new() { AppHash = Base64(answer, "app_hash") };
        foreach (JsonElement item in Items(answer, "txs_results")) results.TxResults.Add(TxResult(item));
        results.Events.AddRange(Events(answer, "finalize_block_events"));
        foreach (JsonElement item in Items(answer, "validator_updates"))
        {
            JsonElement sum = Member(Member(item, "pub_key"), "Sum");
            JsonElement value = Member(sum, "value");
            PublicKey key = TryMember(value, "ed25519", out _)
                ? new PublicKey { Ed25519 = Base64(value, "ed25519") }
                : new PublicKey { Secp256K1 = Base64(value, "secp256k1") };
            results.ValidatorUpdates.Add(new ValidatorUpdate { PubKey = key, Power = Int64(item, "power") });
        }
        if (TryMember(answer, "consensus_param_updates", out JsonElement updates))
        {
            results.ConsensusParamUpdates = ConsensusParams(updates);
        }
        return results;
    }

    // ---- fields

    /// <summary>A field that must be an object.</summary>
    public static JsonElement Member(JsonElement json, string name) =>
        TryMember(json, name, out JsonElement member) && member.ValueKind == JsonValueKind.Object
            ? member
            : throw new FormatException($"'{name}' is missing");

    /// <summary>Whether a field is there and not null.</summary>
    public static bool TryMember(JsonElement json, string name, out JsonElement member)
    {
        member = default;
        return json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out member)
            && member.ValueKind != JsonValueKind.Null;
    }

    /// <summary>The items of a list; none when it is absent or null.</summary>
    public static IEnumerable<JsonElement> Items(JsonElement json, string name)
    {
        if (!TryMember(json, name, out JsonElement list)) return [];
        return list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
            : throw new FormatException($"'{name}' is not a list");
    }

    /// <summary>An integer, 0 when absent.</summary>
    public static long Int64(JsonElement json, string name)
    {
        string text = Scalar(json, name);
        if (text.Length == 0) return 0;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new FormatException($"'{name}' is not an integer: '{text}'");
    }

    /// <summary>Text, empty when absent.</summary>
    public static string Text(JsonElement json, string name) => Scalar(json, name);

    /// <summary>Bytes in hex, empty when absent.</summary>
    public static ByteString Hex(JsonElement json, string name)
    {
        string text = Scalar(json, name);
        try
        {
            return ByteString.CopyFrom(Convert.FromHexString(text));
        }
        catch (FormatException)
        {
            throw new FormatException($"'{name}' is not hex: '{text}'");
        }
    }

    /// <summary>Bytes in base64, empty when absent; also of the element itself when it is a string.</summary>
    public static ByteString Base64(JsonElement json, string name)
    {
        string text = json.ValueKind == JsonValueKind.String ? String(json, name) : Scalar(json, name);
        try
        {
            return ByteString.CopyFrom(Convert.FromBase64String(text));
        }
        catch (FormatException)
        {
            throw new FormatException($"'{name}' is not base64: '{text}'");
        }
    }

    private static ulong UInt64(JsonElement json, string name)
    {
        string text = Scalar(json, name);
        if (text.Length == 0) return 0;
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw new FormatException($"'{name}' is not a natural number: '{text}'");
    }

    private static uint UInt32(JsonElement json, string name)
    {
        ulong value = UInt64(json, name);
        return value <= uint.MaxValue ? (uint)value : throw new FormatException($"'{name}' is too large: {value}");
    }

    private static int Int32(JsonElement json, string name)
    {
        long value = Int64(json, name);
        return value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw new FormatException($"'{name}' is out of range: {value}");
    }

    private static Timestamp Time(JsonElement json, string name)
    {
        string text = Scalar(json, name);
        return text.Length == 0 ? WireTime.Zero : WireTime.Parse(text);
    }

    private static string Scalar(JsonElement json, string name)
    {
        if (!TryMember(json, name, out JsonElement value)) return "";
        return value.ValueKind switch
        {
            JsonValueKind.String => String(value, name),
            JsonValueKind.Number => value.GetRawText(),
            _ => throw new FormatException($"'{name}' is neither text nor a number"),
        };
    }

    private static string String(JsonElement value, string name)
    {
        try
        {
            return value.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            throw new FormatException($"'{name}' is not valid text");
        }
    }
}
