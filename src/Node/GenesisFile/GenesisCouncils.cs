using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// The parts of a genesis document, and of files of proposals, that describe vault, treasury and councils.
/// </summary>
internal static class GenesisCouncils
{
    /// <summary>Field of <see cref="Consensus"/> by which a proposal of it is known.</summary>
    public const string ConsensusField = "block_bytes";

    /// <summary>Field of <see cref="Treasury"/> by which a proposal of it is known.</summary>
    public const string TreasuryField = "treasurers";

    /// <summary>Reads a vault.</summary>
    /// <exception cref="GenesisException">Names the path and the problem.</exception>
    public static GenesisVault Vault(GenesisFields fields)
    {
        CouncilTerms guardians = Council(fields.Object("guardians"));
        var tiers = ImmutableArray.CreateBuilder<TimelockTier>();
        foreach (GenesisFields tier in fields.Items("tiers"))
        {
            tiers.Add(new TimelockTier(
                tier.Long("amount_from", 0, long.MaxValue), tier.Long("seconds", 0, PolicyRules.TimelockSecondsMax)));
            tier.Finish();
        }

        var terms = new VaultTerms(
            tiers.ToImmutable(),
            fields.Long("owner_cap", 1, long.MaxValue),
            fields.Long("total_cap", 1, long.MaxValue),
            fields.Long("release_expiry_seconds", 1, long.MaxValue));
        fields.Finish();
        Require(PolicyRules.Problem(terms), fields.Path);
        return new GenesisVault(guardians, terms);
    }

    /// <summary>Reads a treasury.</summary>
    /// <exception cref="GenesisException">Names the path and the problem.</exception>
    public static GenesisTreasury Treasury(GenesisFields fields)
    {
        var treasury = new GenesisTreasury(
            Council(fields.Object(TreasuryField)), fields.Long("epoch_limit", 1, Margin.Limits.AmountMax));
        fields.Finish();
        return treasury;
    }

    /// <summary>Writes what there is.</summary>
    public static void Write(JsonObject state, GenesisVault? vault, GenesisTreasury? treasury)
    {
        if (vault is not null)
        {
            state["vault"] = Write(vault);
        }

        if (treasury is not null)
        {
            state["treasury"] = Write(treasury);
        }
    }

    /// <summary>Writes a vault.</summary>
    public static JsonObject Write(GenesisVault vault)
    {
        var tiers = new JsonArray();
        foreach (TimelockTier tier in vault.Terms.Tiers)
        {
            tiers.Add(new JsonObject { ["amount_from"] = Text(tier.AmountFrom), ["seconds"] = tier.Seconds });
        }

        return new JsonObject
        {
            ["guardians"] = Write(vault.Guardians),
            ["tiers"] = tiers,
            ["owner_cap"] = Text(vault.Terms.OwnerCap),
            ["total_cap"] = Text(vault.Terms.TotalCap),
            ["release_expiry_seconds"] = vault.Terms.ReleaseExpirySeconds,
        };
    }

    /// <summary>Writes a treasury.</summary>
    public static JsonObject Write(GenesisTreasury treasury) => new()
    {
        [TreasuryField] = Write(treasury.Treasurers),
        ["epoch_limit"] = Text(treasury.EpochLimit),
    };

    /// <summary>Reads the parameters of consensus.</summary>
    /// <exception cref="GenesisException">Names the path and the problem.</exception>
    public static ConsensusParameters Consensus(GenesisFields fields)
    {
        var parameters = new ConsensusParameters(
            fields.Long(ConsensusField, 1, long.MaxValue),
            fields.Long("evidence_age_blocks", 1, long.MaxValue),
            fields.Long("evidence_age_seconds", 1, ConsensusParameters.EvidenceAgeSecondsMax),
            fields.Long("evidence_bytes", 0, long.MaxValue));
        fields.Finish();
        Require(parameters.Problem(), fields.Path);
        return parameters;
    }

    /// <summary>Writes the parameters of consensus.</summary>
    public static JsonObject Write(ConsensusParameters parameters) => new()
    {
        [ConsensusField] = Text(parameters.BlockBytes),
        ["evidence_age_blocks"] = Text(parameters.EvidenceAgeBlocks),
        ["evidence_age_seconds"] = parameters.EvidenceAgeSeconds,
        ["evidence_bytes"] = Text(parameters.EvidenceBytes),
    };

    private static JsonObject Write(CouncilTerms council)
    {
        var members = new JsonArray();
        foreach (ImmutableArray<byte> member in council.Members)
        {
            members.Add(Convert.ToHexStringLower(member.AsSpan()));
        }

        return new JsonObject
        {
            ["members"] = members,
            ["threshold"] = council.Threshold,
            ["veto_threshold"] = council.VetoThreshold,
            ["timelock_seconds"] = council.TimelockSeconds,
        };
    }

    private static CouncilTerms Council(GenesisFields fields)
    {
        var members = ImmutableArray.CreateBuilder<ImmutableArray<byte>>();
        foreach (string text in fields.Texts("members"))
        {
            byte[] key = new byte[SigningKey.PublicKeySize];
            bool isKey = text.Length == 2 * key.Length
                && Convert.FromHexString(text, key, out _, out _) == System.Buffers.OperationStatus.Done
                && Secp256k1.TryParse(key, out _);
            Require(
                isKey ? null : string.Create(
                    CultureInfo.InvariantCulture, $"'{text}' is no compressed secp256k1 key of 33 bytes in hex"),
                string.Create(CultureInfo.InvariantCulture, $"{fields.Path}.members[{members.Count}]"));
            members.Add([.. key]);
        }

        var council = new CouncilTerms(
            members.ToImmutable(),
            (int)fields.Long("threshold", 1, CouncilTerms.MembersMax),
            (int)fields.Long("veto_threshold", 1, CouncilTerms.MembersMax),
            fields.Long("timelock_seconds", 0, PolicyRules.TimelockSecondsMax));
        fields.Finish();
        Require(PolicyRules.Problem(council), fields.Path);
        return council;
    }

    private static void Require(string? problem, string path)
    {
        if (problem is not null)
        {
            throw new GenesisException($"{path}: {problem}");
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
