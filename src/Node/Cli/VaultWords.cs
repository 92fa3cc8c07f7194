using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Operations on vault, treasury and councils in words for people.</summary>
internal static class VaultWords
{
    /// <summary>One line that says all that a member signs.</summary>
    public static string Of(in Operation operation)
    {
        string target =
            operation.Content is NumberedTarget { Id: ulong id } ? id.ToString(CultureInfo.InvariantCulture) : "";
        return operation.Content switch
        {
            NumberedTarget => operation.Kind switch
            {
                OperationKind.CancelWithdrawal => $"cancel withdrawal {target}",
                OperationKind.VetoWithdrawal => $"veto withdrawal {target}",
                OperationKind.ApproveProposal => $"approve proposal {target}",
                OperationKind.VetoProposal => $"veto proposal {target}",
                _ => $"cancel proposal {target}",
            },
            DepositAttestation deposit => $"attest deposit {Convert.ToHexStringLower(deposit.DepositId.ToArray())}: "
                + $"{DecimalText.FormatAmount(deposit.Amount)} to {AccountText.Of(deposit.Recipient)}",
            ReleaseSignature signed => $"sign release of withdrawal {signed.Release.Id}: "
                + $"{DecimalText.FormatAmount(signed.Release.Amount)} to {Destination(signed.Release.Destination)}, "
                + $"sequence {signed.Release.Sequence}, until {QueryText.Time((ulong)signed.Release.Expiry)}",
            { } proposal => $"propose {Proposal(proposal)}",
            null => "an operation without its content",
        };
    }

    /// <summary>What a proposal would do.</summary>
    public static string Proposal(IOperationContent content) => content switch
    {
        VaultPolicy policy => $"vault policy: {Council(policy.Council)}; an owner takes out at most "
            + $"{DecimalText.FormatAmount(policy.Terms.OwnerCap)} a day, all "
            + $"{DecimalText.FormatAmount(policy.Terms.TotalCap)}; timelock {Tiers(policy.Terms.Tiers)}; "
            + $"{policy.Terms.ReleaseExpirySeconds} s to sign",
        TreasuryPolicy policy => $"treasury policy: {Council(policy.Council)}; "
            + $"at most {DecimalText.FormatAmount(policy.EpochLimit)} a day",
        TreasurySpend { Recipient: { } account } spend =>
            $"pay {DecimalText.FormatAmount(spend.Amount)} to {AccountText.Of(account)}{Note(spend.Note)}",
        TreasurySpend spend => $"pay {DecimalText.FormatAmount(spend.Amount)} to the insurance fund{Note(spend.Note)}",
        ConsensusParameters parameters => $"consensus parameters: {Parameters(parameters)}",
        ValidatorPowers powers => $"validators: {Powers(powers)}",
        _ => "nothing that is known",
    };

    /// <summary>The parameters of consensus.</summary>
    public static string Parameters(ConsensusParameters parameters) => string.Create(
        CultureInfo.InvariantCulture,
        $"blocks of at most {parameters.BlockBytes} bytes, {parameters.EvidenceBytes} of them evidence, which "
        + $"counts for {parameters.EvidenceAgeBlocks} blocks and {parameters.EvidenceAgeSeconds} s");

    /// <summary>Bytes as text where they are printable, otherwise as hex.</summary>
    public static string Destination(ImmutableArray<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            if (one is <= (byte)' ' or > (byte)'~')
            {
                return "0x" + Convert.ToHexStringLower(bytes.AsSpan());
            }
        }

        return Encoding.ASCII.GetString(bytes.AsSpan());
    }

    /// <summary>Word for a kind, as in batch files.</summary>
    public static string Kind(OperationKind kind) => kind switch
    {
        OperationKind.CancelWithdrawal => "cancel-withdrawal",
        OperationKind.AttestDeposit => "attest-deposit",
        OperationKind.SignRelease => "sign-release",
        OperationKind.VetoWithdrawal => "veto-withdrawal",
        OperationKind.Propose => "propose",
        OperationKind.ApproveProposal => "approve-proposal",
        OperationKind.VetoProposal => "veto-proposal",
        _ => "cancel-proposal",
    };

    private static string Powers(ValidatorPowers powers) => string.Join("; ", powers.Changes.Select(static change =>
    {
        string validator = Convert.ToBase64String(change.PublicKey.AsSpan());
        string power = change.Power.ToString(CultureInfo.InvariantCulture);
        string before = change.PowerBefore.ToString(CultureInfo.InvariantCulture);
        return change switch
        {
            { PowerBefore: 0 } => $"{validator} joins with power {power}",
            { Power: 0 } => $"{validator} leaves with power {before}",
            _ => $"{validator} gets power {power} after {before}",
        };
    }));

    private static string Council(CouncilTerms council) =>
        $"{council.Threshold} of {council.Members.Length} agree, {council.VetoThreshold} veto, "
        + $"{council.TimelockSeconds} s timelock";

    private static string Tiers(ImmutableArray<TimelockTier> tiers)
    {
        var text = new StringBuilder();
        foreach (TimelockTier tier in tiers)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? ", " : "")}{tier.Seconds} s from ");
            text.Append(DecimalText.FormatAmount(tier.AmountFrom));
        }

        return text.ToString();
    }

    private static string Note(ImmutableArray<byte> note) =>
        note.IsEmpty ? "" : $" for \"{Encoding.UTF8.GetString(note.AsSpan())}\"";
}
