using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using Google.Protobuf;
using Wire = AppChain.Abci.Wire.Types;

namespace AppChain.Localnet;

/// <summary>
/// A member of a validator set: 20-byte address, 32-byte Ed25519 key, voting power, proposer priority.
/// </summary>
public sealed record Validator(ByteString Address, ByteString PublicKey, long Power, long Priority);

/// <summary>A new voting power for a key; 0 removes the member.</summary>
public sealed record ValidatorChange(ByteString PublicKey, long Power);

/// <summary>
/// An immutable validator set with proposer priorities. Members are in the order of the protocol: voting power
/// descending, then address ascending. Priorities follow CometBFT bit by bit (saturating 64-bit arithmetic), because
/// every validator must name the same proposer.
/// </summary>
public sealed class ValidatorSet
{
    /// <summary>Highest permitted sum of voting powers: MaxInt64 / 8.</summary>
    public const long MaximumTotalPower = long.MaxValue / 8;

    /// <summary>The set before the first block's parent: no members.</summary>
    public static readonly ValidatorSet Empty = new([], null);

    private readonly Validator[] _members;
    private readonly Validator? _proposer;
    private Wire.Validator[]? _wire;
    private ByteString? _hash;

    /// <summary>Restores a stored set; the members must be in the order of the protocol.</summary>
    public ValidatorSet(Validator[] members, ByteString? proposer)
    {
        _members = members;
        foreach (Validator member in members) TotalPower += member.Power;
        _proposer = proposer is null ? null : members[IndexOf(proposer)];
    }

    /// <summary>Members in the order of the protocol.</summary>
    public IReadOnlyList<Validator> Members => _members;

    /// <summary>Number of members.</summary>
    public int Count => _members.Length;

    /// <summary>Sum of the voting powers.</summary>
    public long TotalPower { get; }

    /// <summary>Smallest power that is more than two thirds of the total.</summary>
    public long Quorum => TotalPower * 2 / 3 + 1;

    /// <summary>The member whose turn it is.</summary>
    public Validator Proposer => _proposer ?? First(_members);

    /// <summary>The members in the form of the wire.</summary>
    public IReadOnlyList<Wire.Validator> ToWire() => _wire ??= [.. _members.Select(member => new Wire.Validator
    {
        Address = member.Address,
        PubKey = new PublicKey { Ed25519 = member.PublicKey },
        VotingPower = member.Power,
        ProposerPriority = member.Priority,
    })];

    /// <summary>The hash that headers carry: keys and powers, not priorities.</summary>
    public ByteString Hash() => _hash ??= BlockHashes.Validators(ToWire());

    /// <summary>Position of an address in the set, or -1.</summary>
    public int IndexOf(ByteString address)
    {
        for (int i = 0; i < _members.Length; i++)
        {
            if (_members[i].Address == address) return i;
        }
        return -1;
    }

    /// <summary>A set from scratch: all changes are additions, then one increment.</summary>
    /// <exception cref="ConsensusFailure">A removal, a duplicate, no member or too much power.</exception>
    public static ValidatorSet Create(IEnumerable<ValidatorChange> members)
    {
        List<ValidatorChange> changes = [.. members];
        if (changes.Count == 0) throw new ConsensusFailure("a new set needs at least one member");
        if (changes.Exists(change => change.Power <= 0)) throw new ConsensusFailure("a new set needs powers above 0");
        return Empty.Update(changes).Increment(1);
    }

    /// <summary>The set after its proposer priorities have been advanced <paramref name="times"/> times.</summary>
    public ValidatorSet Increment(int times)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        long[] priority = CentredPriorities(_members, TotalPower);
        int proposer = -1;
        for (int t = 0; t < times; t++)
        {
            for (int i = 0; i < priority.Length; i++) priority[i] = Add(priority[i], _members[i].Power);
            proposer = 0;
            for (int i = 1; i < priority.Length; i++)
            {
                if (Precedes(priority[i], _members[i], priority[proposer], _members[proposer])) proposer = i;
            }
            priority[proposer] = Add(priority[proposer], -TotalPower);
        }
        return new ValidatorSet(WithPriorities(_members, priority), _members[proposer].Address) { _hash = _hash };
    }

    /// <summary>
    /// The set after additions, changes of power and removals. A member that joins starts far back in the queue, so
    /// that leaving and joining again gains nothing. Advancing the priorities is a separate step.
    /// </summary>
    /// <exception cref="ConsensusFailure">The changes break a rule of the protocol.</exception>
    public ValidatorSet Update(IReadOnlyList<ValidatorChange> changes)
    {
        if (changes.Count == 0) return this;
        SortedDictionary<ByteString, ValidatorChange> byAddress = new(ByteOrder.Instance);
        foreach (ValidatorChange change in changes)
        {
            ByteString address = BlockHashes.Address(change.PublicKey.Span);
            string name = Convert.ToHexString(address.Span);
            if (change.Power < 0) throw new ConsensusFailure($"validator {name}: negative power");
            if (change.Power > MaximumTotalPower) throw new ConsensusFailure($"validator {name}: power too high");
            if (!byAddress.TryAdd(address, change)) throw new ConsensusFailure($"validator {name}: changed twice");
            if (change.Power == 0 && IndexOf(address) < 0)
                throw new ConsensusFailure($"validator {name}: removed, but not a member");
        }

        long joinedTotal = TotalAfterChanges(byAddress);
        List<Validator> next = [];
        foreach (Validator member in _members)
        {
            if (!byAddress.Remove(member.Address, out ValidatorChange? change)) next.Add(member);
            else if (change.Power > 0) next.Add(member with { Power = change.Power });
        }
        long last = -(joinedTotal + (joinedTotal >> 3));
        next.AddRange(byAddress.Select(pair => new Validator(pair.Key, pair.Value.PublicKey, pair.Value.Power, last)));
        if (next.Count == 0) throw new ConsensusFailure("the validator set would be empty");

        Validator[] members = [.. next];
        members = WithPriorities(members, CentredPriorities(members, next.Sum(member => member.Power)));
        Array.Sort(members, ProtocolOrder);
        return new ValidatorSet(members, null);
    }

    /// <summary>
    /// Total power with additions and changes but before removals; checks the upper limit on the way.
    /// </summary>
    private long TotalAfterChanges(SortedDictionary<ByteString, ValidatorChange> changes)
    {
        long removed = 0;
        List<long> deltas = [];
        foreach ((ByteString address, ValidatorChange change) in changes)
        {
            int i = IndexOf(address);
            long power = i < 0 ? 0 : _members[i].Power;
            if (change.Power == 0) removed += power;
            else deltas.Add(change.Power - power);
        }
        deltas.Sort();
        long total = TotalPower - removed;
        foreach (long delta in deltas)
        {
            // BOUND: both terms are at most MaxInt64 / 8, so the sum cannot overflow before it is refused.
            total += delta;
            if (total > MaximumTotalPower) throw new ConsensusFailure("total voting power too high");
        }
        return total + removed;
    }

    /// <summary>
    /// The priorities of members, their spread shrunk to at most twice the total power, their average moved near 0.
    /// </summary>
    private static long[] CentredPriorities(Validator[] members, long totalPower)
    {
        long[] priority = new long[members.Length];
        for (int i = 0; i < priority.Length; i++) priority[i] = members[i].Priority;
        if (priority.Length == 0) return priority;
        Rescale(priority, totalPower);
        Centre(priority);
        return priority;
    }

    /// <summary>Shrinks the spread of priorities to at most twice the total power. ROUNDING: towards zero.</summary>
    private static void Rescale(long[] priority, long totalPower)
    {
        long lowest = long.MaxValue, highest = long.MinValue;
        foreach (long value in priority) (lowest, highest) = (Math.Min(lowest, value), Math.Max(highest, value));
        Int128 window = (Int128)totalPower * 2;
        Int128 spread = (Int128)highest - lowest;
        if (spread <= window) return;
        Int128 ratio = (spread + window - 1) / window;
        for (int i = 0; i < priority.Length; i++) priority[i] = (long)(priority[i] / ratio);
    }

    /// <summary>Shifts priorities so that their average is near 0. ROUNDING: the average is floored.</summary>
    private static void Centre(long[] priority)
    {
        Int128 sum = 0;
        foreach (long value in priority) sum += value;
        (Int128 average, Int128 rest) = Int128.DivRem(sum, priority.Length);
        if (rest < 0) average -= 1;
        for (int i = 0; i < priority.Length; i++) priority[i] = Add(priority[i], -(long)average);
    }

    private static Validator First(Validator[] members)
    {
        Validator first = members[0];
        foreach (Validator member in members)
        {
            if (Precedes(member.Priority, member, first.Priority, first)) first = member;
        }
        return first;
    }

    private static bool Precedes(long priority, Validator member, long otherPriority, Validator other) =>
        priority != otherPriority
            ? priority > otherPriority
            : ByteOrder.Instance.Compare(member.Address, other.Address) < 0;

    private static int ProtocolOrder(Validator a, Validator b) =>
        a.Power != b.Power ? b.Power.CompareTo(a.Power) : ByteOrder.Instance.Compare(a.Address, b.Address);

    private static Validator[] WithPriorities(Validator[] members, long[] priority)
    {
        Validator[] result = new Validator[members.Length];
        for (int i = 0; i < result.Length; i++) result[i] = members[i] with { Priority = priority[i] };
        return result;
    }

    private static long Add(long a, long b)
    {
        long sum = unchecked(a + b);
        if (((a ^ sum) & (b ^ sum)) >= 0) return sum;
        return a < 0 ? long.MinValue : long.MaxValue;
    }
}

/// <summary>Lexicographic order of byte strings.</summary>
public sealed class ByteOrder : IComparer<ByteString>
{
    /// <summary>The only instance.</summary>
    public static readonly ByteOrder Instance = new();

    /// <inheritdoc/>
    public int Compare(ByteString? x, ByteString? y) => x!.Span.SequenceCompareTo(y!.Span);
}
