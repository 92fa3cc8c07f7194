using System;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Which policies a council may decide (docs/spec/vault.md, VAULT-11, VAULT-12): their form, and how far one epoch may
/// loosen them. Pure functions; genesis is held to the same form.
/// </summary>
public static class PolicyRules
{
    /// <summary>Longest timelock: 30 days.</summary>
    public const long TimelockSecondsMax = 30 * 86_400;

    /// <summary>Shortest time that guardians can have to sign.</summary>
    public const long ReleaseExpirySecondsMin = 10;

    /// <summary>Longest time that guardians can have to sign.</summary>
    public const long ReleaseExpirySecondsMax = 86_400;

    /// <summary>What is wrong with a council; null when nothing is.</summary>
    public static string? Problem(CouncilTerms council)
    {
        int members = council.Members.Length;
        if (members is < 1 or > CouncilTerms.MembersMax)
        {
            return "a council has 1 to 16 members";
        }

        for (int i = 0; i < members; i++)
        {
            ImmutableArray<byte> key = council.Members[i];
            if (key.Length != SigningKey.PublicKeySize || key[0] is not (2 or 3))
            {
                return "a member is a compressed secp256k1 key of 33 bytes";
            }

            for (int j = 0; j < i; j++)
            {
                if (council.Members[j].AsSpan().SequenceEqual(key.AsSpan()))
                {
                    return "a member is there twice";
                }
            }
        }

        if (council.Threshold < 1 || council.Threshold > members)
        {
            return "the threshold is 1 to the number of members";
        }

        if (council.VetoThreshold < 1 || council.VetoThreshold > members)
        {
            return "the veto threshold is 1 to the number of members";
        }

        return council.TimelockSeconds is < 0 or > TimelockSecondsMax ? "the timelock is 0 to 30 days" : null;
    }

    /// <summary>What is wrong with the bounds of withdrawals; null when nothing is.</summary>
    public static string? Problem(VaultTerms terms)
    {
        if (!IsTimelock(terms.Tiers))
        {
            return "a timelock has 1 to 8 tiers that start at 0 and ascend, each at least as long as the one before";
        }

        if (terms.OwnerCap < 1 || terms.OwnerCap > terms.TotalCap || terms.TotalCap > Limits.AmountMax)
        {
            return "caps are above zero, that of an owner at most that of all";
        }

        return terms.ReleaseExpirySeconds is < ReleaseExpirySecondsMin or > ReleaseExpirySecondsMax
            ? "guardians have 10 seconds to 24 hours to sign"
            : null;
    }

    /// <summary>True when a limit would be more than twice what it was, or a timelock less than half.</summary>
    public static bool IsTooFast(VaultTerms wanted, VaultTerms was) =>
        IsRaisedTooFast(wanted.OwnerCap, was.OwnerCap)
        || IsRaisedTooFast(wanted.TotalCap, was.TotalCap)
        || IsRaisedTooFast(wanted.ReleaseExpirySeconds, was.ReleaseExpirySeconds)
        || IsShortenedTooFast(wanted.Tiers, was.Tiers);

    /// <summary>True when a limit would be more than twice what it was.</summary>
    public static bool IsRaisedTooFast(Int128 wanted, Int128 was) => wanted > 2 * was;

    /// <summary>True when a timelock would be less than half of what it was.</summary>
    public static bool IsShortenedTooFast(long wanted, long was) => 2 * wanted < was;

    // Both are constant between the starts of their tiers, so looking there is looking everywhere.
    private static bool IsShortenedTooFast(ImmutableArray<TimelockTier> wanted, ImmutableArray<TimelockTier> was)
    {
        bool isTooFast = false;
        foreach (TimelockTier tier in wanted)
        {
            isTooFast |= IsShortenedTooFast(tier.Seconds, VaultTerms.SecondsOf(was, tier.AmountFrom));
        }

        foreach (TimelockTier tier in was)
        {
            isTooFast |= IsShortenedTooFast(VaultTerms.SecondsOf(wanted, tier.AmountFrom), tier.Seconds);
        }

        return isTooFast;
    }

    private static bool IsTimelock(ImmutableArray<TimelockTier> tiers)
    {
        bool isValid = tiers.Length is >= 1 and <= VaultTerms.TiersMax && tiers[0].AmountFrom == 0;
        for (int i = 0; i < tiers.Length; i++)
        {
            isValid &= tiers[i].Seconds is >= 0 and <= TimelockSecondsMax;
            isValid &= i == 0
                || (tiers[i].AmountFrom > tiers[i - 1].AmountFrom && tiers[i].Seconds >= tiers[i - 1].Seconds);
        }

        return isValid;
    }
}
