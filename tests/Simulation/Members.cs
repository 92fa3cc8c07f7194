using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>
/// Who votes, with which power, by the words of VAULT-17 and nothing cleverer: the second opinion on the validator sets
/// of state machine and engines.
/// </summary>
internal sealed class Members(IReadOnlyDictionary<ByteString, long> powers)
{
    /// <summary>Power by address.</summary>
    public IReadOnlyDictionary<ByteString, long> Powers => powers;

    /// <summary>All power.</summary>
    public long Total => powers.Values.Sum();

    /// <summary>Power of a validator; 0 of one that does not vote.</summary>
    public long Of(ByteString address) => powers.GetValueOrDefault(address);

    /// <summary>Without those accused, the last of whom stays.</summary>
    public Members Without(IEnumerable<ByteString> accused)
    {
        var left = new Dictionary<ByteString, long>(powers);
        foreach (ByteString address in accused)
            if (left.Count > 1) left.Remove(address);
        return left.Count == powers.Count ? this : new Members(left);
    }

    /// <summary>The members after a change; null where it is not one of these, or takes or gives a third.</summary>
    public Members? With(ValidatorPowers change)
    {
        bool isOfThese = change.Changes.All(
            one => Of(BlockHashes.Address(one.PublicKey.AsSpan())) == one.PowerBefore);
        if (!isOfThese) return null;
        Members after = Changed(change);
        long kept = powers.Keys.Union(after.Powers.Keys).Sum(address => Math.Min(Of(address), after.Of(address)));
        return (Total - kept) * 3 < Total && (after.Total - kept) * 3 < after.Total ? after : null;
    }

    /// <summary>The members with the powers of a change, whatever they had and whatever that moves.</summary>
    public Members Changed(ValidatorPowers change)
    {
        var changed = new Dictionary<ByteString, long>(powers);
        foreach (PowerChange one in change.Changes)
        {
            ByteString address = BlockHashes.Address(one.PublicKey.AsSpan());
            changed[address] = one.Power;
            if (one.Power == 0) changed.Remove(address);
        }
        return new Members(changed);
    }

    /// <summary>What an engine is told to come from these to others: power by address.</summary>
    public IReadOnlyDictionary<ByteString, long> Changes(Members after) => powers.Keys.Union(after.Powers.Keys)
        .Where(address => Of(address) != after.Of(address)).ToDictionary(address => address, after.Of);

    /// <summary>Whether a set names the same members with the same powers.</summary>
    public bool AreThoseOf(AppChain.Localnet.ValidatorSet set) => set.Count == powers.Count
        && powers.All(member => set.IndexOf(member.Key) is >= 0 and int at
            && set.Members[at].Address == member.Key && set.Members[at].Power == member.Value);
}
