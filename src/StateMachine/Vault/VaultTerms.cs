using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>A step of a timelock: sizes from an amount on wait this long.</summary>
/// <param name="AmountFrom">Micro-USD; 0 in the first tier, ascending.</param>
/// <param name="Seconds">Never less than in the tier before.</param>
public readonly record struct TimelockTier(long AmountFrom, long Seconds);

/// <summary>What bounds withdrawals: by genesis, or by a policy that the guardians decided.</summary>
/// <param name="Tiers">Timelock by what the owner takes out.</param>
/// <param name="OwnerCap">Micro-USD that one owner may take out in 24 h, net of deposits.</param>
/// <param name="TotalCap">Micro-USD that all owners together may take out in 24 h, net of deposits.</param>
/// <param name="ReleaseExpirySeconds">Seconds that guardians have to sign an admitted withdrawal.</param>
public sealed record VaultTerms(
    ImmutableArray<TimelockTier> Tiers,
    long OwnerCap,
    long TotalCap,
    long ReleaseExpirySeconds)
{
    /// <summary>Most tiers of a timelock.</summary>
    public const int TiersMax = 8;

    /// <summary>Seconds that a size waits by a timelock.</summary>
    public static long SecondsOf(ImmutableArray<TimelockTier> tiers, Int128 size)
    {
        long seconds = 0;
        // BOUND: at most TiersMax tiers.
        foreach (TimelockTier tier in tiers)
        {
            seconds = tier.AmountFrom <= size ? tier.Seconds : seconds;
        }

        return seconds;
    }
}
