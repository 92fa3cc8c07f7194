using System;
using System.Collections.Immutable;
using System.Numerics;

namespace AppChain.StateMachine;

/// <summary>A council of the chain and the version of its policy.</summary>
public struct CouncilRow : IRow<uint, CouncilRow>
{
    /// <summary>Which council.</summary>
    public CouncilKind Council;

    /// <summary>From 1; grows by one with each policy. Votes and signatures of another version count nothing.</summary>
    public ulong Version;

    /// <summary>Members, thresholds, timelock.</summary>
    public CouncilTerms Terms;

    /// <summary>Addresses of the members, in their order. Not encoded: they follow from the keys.</summary>
    internal ImmutableArray<Address> Addresses;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Council;

    /// <inheritdoc/>
    public readonly uint Key => (uint)Council;

    /// <summary>A council with these terms.</summary>
    public static CouncilRow Of(CouncilKind kind, ulong version, CouncilTerms terms)
    {
        var addresses = new Address[terms.Members.Length];
        for (int i = 0; i < addresses.Length; i++)
        {
            addresses[i] = TransactionCodec.AddressOf(terms.Members[i].AsSpan());
        }

        return new CouncilRow
        {
            Council = kind,
            Version = version,
            Terms = terms,
            Addresses = ImmutableArray.Create(addresses),
        };
    }

    /// <summary>Number of the member with an address; -1 when there is none.</summary>
    public readonly int MemberOf(Address signer) => Addresses.IndexOf(signer);

    /// <summary>Members that a set of votes names.</summary>
    public static int Count(ushort votes) => BitOperations.PopCount(votes);

    /// <inheritdoc/>
    public static void EncodeKey(in uint key, ref ByteWriter writer) => writer.WriteByte((byte)key);

    /// <inheritdoc/>
    public static void EncodeValue(in CouncilRow row, ref ByteWriter writer)
    {
        writer.WriteUInt64(row.Version);
        writer.WriteByte((byte)row.Terms.Members.Length);
        foreach (ImmutableArray<byte> member in row.Terms.Members)
        {
            writer.WriteFixed(member.AsSpan());
        }

        writer.WriteByte((byte)row.Terms.Threshold);
        writer.WriteByte((byte)row.Terms.VetoThreshold);
        writer.WriteInt64(row.Terms.TimelockSeconds);
    }

    /// <inheritdoc/>
    public static CouncilRow Decode(ref ByteReader key, ref ByteReader value)
    {
        var kind = (CouncilKind)key.ReadByte();
        ulong version = value.ReadUInt64();
        var members = new ImmutableArray<byte>[value.ReadByte()];
        for (int i = 0; i < members.Length; i++)
        {
            members[i] = [.. value.ReadFixed(SigningKey.PublicKeySize)];
        }

        var terms = new CouncilTerms(
            ImmutableArray.Create(members), value.ReadByte(), value.ReadByte(), value.ReadInt64());
        return Of(kind, version, terms);
    }
}
