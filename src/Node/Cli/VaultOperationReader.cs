using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Reads operations on vault, treasury and councils; the words are those of <see cref="OperationReader"/>.
/// </summary>
internal static class VaultOperationReader
{
    /// <summary>Operations by word, with their fields.</summary>
    public static IReadOnlyList<(string Word, OperationKind Kind, string[] Fields)> Kinds { get; } =
    [
        ("cancel-withdrawal", OperationKind.CancelWithdrawal, ["withdrawal"]),
        ("veto-withdrawal", OperationKind.VetoWithdrawal, ["withdrawal"]),
        ("attest-deposit", OperationKind.AttestDeposit, ["deposit", "amount", "to"]),
        ("propose", OperationKind.Propose, ["policy"]),
        ("propose-spend", OperationKind.Propose, ["amount", "to", "note"]),
        ("approve-proposal", OperationKind.ApproveProposal, ["proposal"]),
        ("veto-proposal", OperationKind.VetoProposal, ["proposal"]),
        ("cancel-proposal", OperationKind.CancelProposal, ["proposal"]),
    ];

    /// <summary>The content of an operation.</summary>
    /// <exception cref="FormatException">A field is missing or wrong.</exception>
    public static IOperationContent Read(
        OperationKind kind,
        IReadOnlyDictionary<string, string> fields,
        Func<string, AccountId> findAccount) => kind switch
    {
        OperationKind.CancelWithdrawal or OperationKind.VetoWithdrawal => Target(fields, "withdrawal"),
        OperationKind.AttestDeposit => new DepositAttestation(
            DepositId(OperationReader.Text(fields, "deposit")),
            findAccount(OperationReader.Text(fields, "to")),
            OperationReader.Amount(fields)),
        OperationKind.Propose when fields.TryGetValue("policy", out string? policy) => Policy(policy),
        OperationKind.Propose => Spend(fields, findAccount),
        _ => Target(fields, "proposal"),
    };

    /// <summary>Where a withdrawal goes: text as it is, or bytes in hex after 0x.</summary>
    /// <exception cref="FormatException">It has no bytes, or too many.</exception>
    public static ImmutableArray<byte> Destination(string text)
    {
        byte[] bytes = text.StartsWith("0x", StringComparison.Ordinal)
            ? Convert.FromHexString(text.AsSpan(2))
            : Encoding.UTF8.GetBytes(text);
        return bytes.Length is >= 1 and <= WithdrawalDestination.BytesMax
            ? [.. bytes]
            : throw new FormatException(
                $"'to' has {bytes.Length} bytes; a destination has 1 to {WithdrawalDestination.BytesMax}");
    }

    private static NumberedTarget Target(IReadOnlyDictionary<string, string> fields, string name)
    {
        OperationReader.Text(fields, name);
        return new NumberedTarget(OperationReader.Number(fields, name));
    }

    private static Sha256Digest DepositId(string text)
    {
        byte[] id = new byte[Sha256Digest.Size];
        return text.Length == 2 * id.Length
            && Convert.FromHexString(text, id, out _, out _) == System.Buffers.OperationStatus.Done
            ? new Sha256Digest(id)
            : throw new FormatException(
                $"deposit '{text}' is not {2 * id.Length} digits of hex, such as the hash of the transaction on the "
                + "other side");
    }

    private static TreasurySpend Spend(IReadOnlyDictionary<string, string> fields, Func<string, AccountId> findAccount)
    {
        string to = OperationReader.Text(fields, "to");
        byte[] note = Encoding.UTF8.GetBytes(fields.GetValueOrDefault("note", ""));
        if (note.Length > TreasurySpend.NoteBytesMax)
        {
            throw new FormatException($"note has {note.Length} bytes; at most {TreasurySpend.NoteBytesMax}");
        }

        return new TreasurySpend(
            to == "insurance-fund" ? null : findAccount(to), OperationReader.Amount(fields), [.. note]);
    }

    // As in a genesis document, a vault or a treasury; or the parameters of consensus, or validators.
    private static IOperationContent Policy(string text)
    {
        try
        {
            JsonNode? json = JsonNode.Parse(
                text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
            var fields = new GenesisFields(json, "policy");
            if (fields.Has(GenesisCouncils.ConsensusField))
            {
                return GenesisCouncils.Consensus(fields);
            }

            if (fields.Has(PowersFile.ValidatorsField))
            {
                return PowersFile.Read(fields);
            }

            if (fields.Has(GenesisCouncils.TreasuryField))
            {
                GenesisTreasury treasury = GenesisCouncils.Treasury(fields);
                return new TreasuryPolicy(treasury.Treasurers, treasury.EpochLimit);
            }

            GenesisVault vault = GenesisCouncils.Vault(fields);
            return new VaultPolicy(vault.Guardians, vault.Terms);
        }
        catch (Exception cause) when (cause is JsonException or GenesisException)
        {
            throw new FormatException(
                $"{cause.Message}; begin with `appchain query vault --policy`, or treasury, consensus, validators",
                cause);
        }
    }
}
