using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>The voting power of one validator before and after a change.</summary>
/// <param name="PublicKey">Its Ed25519 key of 32 bytes.</param>
/// <param name="Power">What it is to have; 0: it leaves.</param>
/// <param name="PowerBefore">What it has when the change takes effect; 0: it joins.</param>
public readonly record struct PowerChange(ImmutableArray<byte> PublicKey, long Power, long PowerBefore);

/// <summary>
/// Proposal of the guardians: validators that join, leave, or get another power (docs/spec/vault.md, VAULT-17). It says
/// what it found as well as what it wants, so that it cannot bring back whom evidence has removed meanwhile.
/// </summary>
/// <param name="Changes">1…32, ascending by key.</param>
public sealed record ValidatorPowers(ImmutableArray<PowerChange> Changes) : IOperationContent
{
    /// <summary>Most changes of one proposal.</summary>
    public const int ChangesMax = 32;

    /// <summary>Most power of all validators: what CometBFT allows, an eighth of the largest number.</summary>
    public const long TotalMax = long.MaxValue / 8;

    /// <summary>What is wrong with them whatever set they meet; null when nothing is.</summary>
    public string? Problem()
    {
        if (Changes.Length is 0 or > ChangesMax)
        {
            return "1 to 32 validators change at once";
        }

        for (int i = 0; i < Changes.Length; i++)
        {
            PowerChange change = Changes[i];
            if (change.PublicKey.Length != Validator.PublicKeySize)
            {
                return "a validator's key is an Ed25519 key of 32 bytes";
            }

            if (i > 0 && Changes[i - 1].PublicKey.AsSpan().SequenceCompareTo(change.PublicKey.AsSpan()) >= 0)
            {
                return "each validator stands there once, ascending by key";
            }

            if (change.Power is < 0 or > TotalMax || change.PowerBefore < 0 || change.Power == change.PowerBefore)
            {
                return "a power is 0 to 1,152,921,504,606,846,975, and another than before";
            }
        }

        return null;
    }

    /// <summary>
    /// The set after the change, in CometBFT's order; false where the set is not what the proposal found, where those
    /// who leave or shrink give up a third of the power, where those who join or grow get a third of it, or where the
    /// set would be too large.
    /// </summary>
    public bool TryApply(ImmutableArray<Validator> set, out ImmutableArray<Validator> changed)
    {
        ImmutableArray<Validator>.Builder builder = set.ToBuilder();
        Int128 before = Validator.TotalOf(set);
        Int128 lost = 0;
        Int128 won = 0;
        changed = default;
        foreach (PowerChange change in Changes)
        {
            int place = PlaceOf(builder, change.PublicKey);
            if ((place < 0 ? 0 : builder[place].Power) != change.PowerBefore)
            {
                return false;
            }

            lost += Math.Max(0, change.PowerBefore - change.Power);
            won += Math.Max(0, change.Power - change.PowerBefore);
            if (place >= 0)
            {
                builder.RemoveAt(place);
            }

            if (change.Power > 0)
            {
                builder.Add(Validator.Of(change.PublicKey, change.Power));
            }
        }

        Int128 after = before - lost + won;
        if (3 * lost >= before || 3 * won >= after || after > TotalMax || builder.Count > Margin.Limits.ValidatorsMax)
        {
            return false;
        }

        builder.Sort();
        changed = builder.ToImmutable();
        return true;
    }

    // BOUND: at most Limits.ValidatorsMax members for each of ChangesMax changes.
    private static int PlaceOf(ImmutableArray<Validator>.Builder set, ImmutableArray<byte> publicKey)
    {
        for (int i = 0; i < set.Count; i++)
        {
            if (set[i].PublicKey.AsSpan().SequenceEqual(publicKey.AsSpan()))
            {
                return i;
            }
        }

        return -1;
    }
}
