using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Localnet;

/// <summary>The content of a genesis.json, as CometBFT reads it.</summary>
public sealed class Genesis
{
    private Genesis(JsonElement root, string json)
    {
        Json = json;
        ChainId = Text(root, "chain_id") ?? "";
        if (ChainId.Length is < 1 or > 50) throw Invalid("chain_id must have 1 to 50 characters");
        Time = WireTime.ToNanoseconds(WireTime.Parse(
            Text(root, "genesis_time") ?? throw Invalid("genesis_time is missing")));
        InitialHeight = Math.Max(1, Integer(root, "initial_height", 1));
        Parameters = root.TryGetProperty("consensus_params", out JsonElement parameters) && IsObject(parameters)
            ? ReadParameters(parameters)
            : ParameterRules.Default;
        ParameterRules.Validate(Parameters);
        Validators = root.TryGetProperty("validators", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(ReadValidator)]
            : [];
        AppHash = ByteString.CopyFrom(Convert.FromHexString(Text(root, "app_hash") ?? ""));
        AppState = root.TryGetProperty("app_state", out JsonElement state)
            ? Encoding.UTF8.GetBytes(state.GetRawText())
            : [];
    }

    /// <summary>The text it was read from.</summary>
    public string Json { get; }

    /// <summary>Name of the chain, 1 to 50 characters.</summary>
    public string ChainId { get; }

    /// <summary>Time of the initial block, nanoseconds since 1970.</summary>
    public long Time { get; }

    /// <summary>Height of the initial block, at least 1.</summary>
    public long InitialHeight { get; }

    /// <summary>Consensus parameters, all parts present.</summary>
    public ConsensusParams Parameters { get; }

    /// <summary>Validators in the order of the file; may be empty if the application supplies them.</summary>
    public IReadOnlyList<ValidatorChange> Validators { get; }

    /// <summary>Application hash for the initial block unless the application returns one.</summary>
    public ByteString AppHash { get; }

    /// <summary>Raw JSON of app_state.</summary>
    public byte[] AppState { get; }

    /// <summary>Reads the content of a genesis.json.</summary>
    /// <exception cref="InvalidDataException">The message names the field at fault.</exception>
    public static Genesis Parse(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return new Genesis(document.RootElement.Clone(), json);
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException
            or KeyNotFoundException or OverflowException or ConsensusFailure)
        {
            throw Invalid(error.Message);
        }
    }

    /// <summary>The state before the first block, until the application has answered InitChain.</summary>
    public ChainState ToState()
    {
        ValidatorSet validators = Validators.Count == 0 ? ValidatorSet.Empty : ValidatorSet.Create(Validators);
        return new ChainState(
            ChainId, InitialHeight, 0, new BlockID { PartSetHeader = new PartSetHeader() }, Time,
            ValidatorSet.Empty, validators, validators.Count == 0 ? validators : validators.Increment(1),
            Parameters, Parameters.Version.App, AppHash, ByteString.Empty);
    }

    private static ValidatorChange ReadValidator(JsonElement element)
    {
        JsonElement key = element.GetProperty("pub_key");
        string type = Text(key, "type") ?? "";
        if (type != "tendermint/PubKeyEd25519") throw Invalid($"validator key type \"{type}\" is not supported");
        ByteString bytes = ByteString.FromBase64(Text(key, "value") ?? "");
        if (bytes.Length != 32) throw Invalid("a validator's Ed25519 key must have 32 bytes");
        long power = Integer(element, "power", 0);
        if (power <= 0) throw Invalid("a validator's power must be above 0");
        string? address = Text(element, "address");
        string expected = Convert.ToHexString(BlockHashes.Address(bytes.Span).Span);
        if (!string.IsNullOrEmpty(address) && address != expected)
            throw Invalid($"validator address {address} does not belong to its key, which has {expected}");
        return new ValidatorChange(bytes, power);
    }

    private static ConsensusParams ReadParameters(JsonElement element)
    {
        JsonElement block = element.GetProperty("block");
        JsonElement evidence = element.GetProperty("evidence");
        JsonElement keys = element.GetProperty("validator").GetProperty("pub_key_types");
        long age = Integer(evidence, "max_age_duration", 0);
        ConsensusParams parameters = new()
        {
            Block = new BlockParams
            {
                MaxBytes = Integer(block, "max_bytes", 0),
                MaxGas = Integer(block, "max_gas", 0),
            },
            Evidence = new EvidenceParams
            {
                MaxAgeNumBlocks = Integer(evidence, "max_age_num_blocks", 0),
                MaxAgeDuration = new Duration { Seconds = age / 1_000_000_000, Nanos = (int)(age % 1_000_000_000) },
                MaxBytes = Integer(evidence, "max_bytes", 0),
            },
            Validator = new ValidatorParams(),
            Version = new VersionParams(),
            Abci = new ABCIParams(),
        };
        parameters.Validator.PubKeyTypes.Add(keys.EnumerateArray().Select(type => type.GetString() ?? ""));
        if (element.TryGetProperty("version", out JsonElement version))
            parameters.Version.App = (ulong)Integer(version, "app", 0);
        if (element.TryGetProperty("abci", out JsonElement abci))
            parameters.Abci.VoteExtensionsEnableHeight = Integer(abci, "vote_extensions_enable_height", 0);
        return parameters;
    }

    private static bool IsObject(JsonElement element) => element.ValueKind == JsonValueKind.Object;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static long Integer(JsonElement element, string name, long missing)
    {
        if (!element.TryGetProperty(name, out JsonElement value)) return missing;
        string text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : value.GetString() ?? "";
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw Invalid($"{name} must be an integer, not \"{text}\"");
    }

    private static InvalidDataException Invalid(string message) => new($"genesis.json: {message}");
}
