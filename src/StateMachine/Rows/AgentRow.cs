using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Names an agent: the owner, and the address of the key that may trade for it.</summary>
public readonly record struct AgentKey(Address Owner, Address Agent) : IComparable<AgentKey>
{
    /// <inheritdoc/>
    public int CompareTo(AgentKey other)
    {
        int order = Owner.CompareTo(other.Owner);
        return order != 0 ? order : Agent.CompareTo(other.Agent);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked(Owner.GetHashCode() + (Agent.GetHashCode() * 397));
}

/// <summary>What a key may do for an owner (docs/spec/transactions.md, AGENT-1).</summary>
public struct AgentRow : IRow<AgentKey, AgentRow>
{
    /// <summary>Most markets that one agent can be held to; one without a list may trade in all.</summary>
    public const int MarketsMax = 16;

    /// <summary>Nanoseconds of the day that a limit holds for.</summary>
    public const long DayNanoseconds = 86_400_000_000_000;

    /// <summary>Owner and agent.</summary>
    public AgentKey Id;

    /// <summary>Markets it may trade in, ascending; empty: all.</summary>
    public ImmutableArray<uint> Markets;

    /// <summary>Micro-USD that its orders of one day may add up to.</summary>
    public long NotionalPerDay;

    /// <summary>Block time (ns) up to and including which it may trade.</summary>
    public long Expires;

    /// <summary>The day that <see cref="Used"/> counts: block time / 24 h.</summary>
    public long Day;

    /// <summary>Micro-USD that its orders of that day add up to.</summary>
    public Int128 Used;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Agent;

    /// <inheritdoc/>
    public readonly AgentKey Key => Id;

    /// <summary>True when it may trade at a block time.</summary>
    public readonly bool IsActive(long time) => time <= Expires;

    /// <summary>Micro-USD that its orders of the day of a block time add up to.</summary>
    public readonly Int128 UsedOn(long time) => time / DayNanoseconds == Day ? Used : 0;

    /// <summary>True when it may trade in the market.</summary>
    public readonly bool Covers(uint market) => Markets.IsEmpty || Markets.BinarySearch(market) >= 0;

    /// <inheritdoc/>
    public static void EncodeKey(in AgentKey key, ref ByteWriter writer)
    {
        writer.WriteAddress(key.Owner);
        writer.WriteAddress(key.Agent);
    }

    /// <inheritdoc/>
    public static void EncodeValue(in AgentRow row, ref ByteWriter writer)
    {
        writer.WriteByte((byte)row.Markets.Length);
        foreach (uint market in row.Markets)
        {
            writer.WriteUInt32(market);
        }

        writer.WriteInt64(row.NotionalPerDay);
        writer.WriteInt64(row.Expires);
        writer.WriteInt64(row.Day);
        writer.WriteInt128(row.Used);
    }

    /// <inheritdoc/>
    public static AgentRow Decode(ref ByteReader key, ref ByteReader value)
    {
        var id = new AgentKey(key.ReadAddress(), key.ReadAddress());
        var markets = new uint[value.ReadByte()];
        for (int i = 0; i < markets.Length; i++)
        {
            markets[i] = value.ReadUInt32();
        }

        return new AgentRow
        {
            Id = id,
            Markets = ImmutableArray.Create(markets),
            NotionalPerDay = value.ReadInt64(),
            Expires = value.ReadInt64(),
            Day = value.ReadInt64(),
            Used = value.ReadInt128(),
        };
    }
}

/// <summary>The agents of an owner, so that their number has a bound.</summary>
public struct AgentListRow : IRow<Address, AgentListRow>
{
    /// <summary>Most agents of one owner.</summary>
    public const int AgentsMax = 16;

    /// <summary>The owner.</summary>
    public Address Owner;

    /// <summary>Addresses of the agents, in the order in which they were authorised.</summary>
    public ImmutableArray<Address> Agents;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.AgentList;

    /// <inheritdoc/>
    public readonly Address Key => Owner;

    /// <inheritdoc/>
    public static void EncodeKey(in Address key, ref ByteWriter writer) => writer.WriteAddress(key);

    /// <inheritdoc/>
    public static void EncodeValue(in AgentListRow row, ref ByteWriter writer)
    {
        writer.WriteByte((byte)row.Agents.Length);
        foreach (Address agent in row.Agents)
        {
            writer.WriteAddress(agent);
        }
    }

    /// <inheritdoc/>
    public static AgentListRow Decode(ref ByteReader key, ref ByteReader value)
    {
        Address owner = key.ReadAddress();
        var agents = new Address[value.ReadByte()];
        for (int i = 0; i < agents.Length; i++)
        {
            agents[i] = value.ReadAddress();
        }

        return new AgentListRow { Owner = owner, Agents = ImmutableArray.Create(agents) };
    }
}
