using System;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>Part of a validator in a price update.</summary>
/// <param name="IsPresent">It carries an extension and its signature.</param>
/// <param name="Extension">The extension as signed; may be empty.</param>
/// <param name="Signature">64 bytes when present.</param>
public readonly record struct PriceUpdateEntry(bool IsPresent, byte[] Extension, byte[] Signature)
{
    /// <summary>A validator without a valid extension.</summary>
    public static PriceUpdateEntry Absent => new(false, [], []);
}

/// <summary>Why a price update is refused; Valid when it is not (docs/spec/oracle.md, ORACLE-2).</summary>
public enum PriceUpdateVerdict : byte
{
    /// <summary>It may be executed.</summary>
    Valid = 0,

    /// <summary>Missing above the initial height, or present at it.</summary>
    WrongPresence = 1,

    /// <summary>Not the canonical encoding.</summary>
    Malformed = 2,

    /// <summary>Its round is not that of the commit in the block.</summary>
    WrongRound = 3,

    /// <summary>Not one entry per validator.</summary>
    WrongCount = 4,

    /// <summary>An extension of a validator that did not commit.</summary>
    NotCommitted = 5,

    /// <summary>An extension that does not decode.</summary>
    BadExtension = 6,

    /// <summary>A signature that does not verify.</summary>
    BadSignature = 7,

    /// <summary>Not more than two thirds of the power have an extension in it.</summary>
    TooLittlePower = 8,
}

/// <summary>
/// The first transaction of a block above the initial height: what the validators said in the extensions of their
/// precommits for the height before, in the order of our own validator set. Neither addresses nor powers are in it, so
/// a proposer cannot lie about them. It starts with a zero byte, which no signed transaction does.
/// </summary>
public sealed class PriceUpdate
{
    private const byte Marker = 0;
    private const byte Version = 1;
    private const int SignatureSize = 64;

    /// <summary>Round of the commit that the extensions belong to.</summary>
    public required int Round { get; init; }

    /// <summary>One per validator of the height before.</summary>
    public required ImmutableArray<PriceUpdateEntry> Entries { get; init; }

    /// <summary>True when the bytes claim to be a price update: they begin with its marker.</summary>
    public static bool IsClaimedBy(ReadOnlySpan<byte> transaction) => !transaction.IsEmpty && transaction[0] == Marker;

    /// <summary>The canonical bytes.</summary>
    public byte[] Encode()
    {
        var writer = new ByteWriter();
        writer.WriteByte(Marker);
        writer.WriteByte(Version);
        Varint.Write(ref writer, (ulong)Round);
        Varint.Write(ref writer, (ulong)Entries.Length);
        foreach (PriceUpdateEntry entry in Entries)
        {
            writer.WriteBool(entry.IsPresent);
            if (entry.IsPresent)
            {
                Varint.Write(ref writer, (ulong)entry.Extension.Length);
                writer.WriteFixed(entry.Extension);
                writer.WriteFixed(entry.Signature);
            }
        }

        return writer.ToArray();
    }

    /// <summary>Decodes; null when the bytes are not the one canonical encoding. Never throws.</summary>
    public static PriceUpdate? Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2 || bytes[0] != Marker || bytes[1] != Version)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = bytes[2..];
        if (!Varint.TryRead(ref rest, out ulong round)
            || round > int.MaxValue
            || !Varint.TryRead(ref rest, out ulong count)
            || count > Limits.ValidatorsMax)
        {
            return null;
        }

        var entries = ImmutableArray.CreateBuilder<PriceUpdateEntry>((int)count);
        // BOUND: at most Limits.ValidatorsMax entries.
        for (ulong i = 0; i < count; i++)
        {
            if (!TryReadEntry(ref rest, out PriceUpdateEntry entry))
            {
                return null;
            }

            entries.Add(entry);
        }

        return rest.IsEmpty ? new PriceUpdate { Round = (int)round, Entries = entries.MoveToImmutable() } : null;
    }

    /// <summary>
    /// Every rule but the signatures: against our own validators of the height before, the flags (true: COMMIT) and the
    /// round of the commit that the block carries.
    /// </summary>
    public PriceUpdateVerdict Check(ImmutableArray<Validator> validators, ImmutableArray<bool> committed, int round)
    {
        if (Round != round)
        {
            return PriceUpdateVerdict.WrongRound;
        }

        if (Entries.Length != validators.Length || committed.Length != validators.Length)
        {
            return PriceUpdateVerdict.WrongCount;
        }

        Int128 present = 0;
        Int128 total = 0;
        for (int i = 0; i < validators.Length; i++)
        {
            total += validators[i].Power;
            if (!Entries[i].IsPresent)
            {
                continue;
            }

            if (!committed[i])
            {
                return PriceUpdateVerdict.NotCommitted;
            }

            if (!PriceVote.TryDecode(Entries[i].Extension, out _))
            {
                return PriceUpdateVerdict.BadExtension;
            }

            present += validators[i].Power;
        }

        return present * 3 > total * 2 ? PriceUpdateVerdict.Valid : PriceUpdateVerdict.TooLittlePower;
    }

    /// <summary>
    /// What the present extensions report, in validator order. An extension that does not decode, which no accepted
    /// block has, reports nothing.
    /// </summary>
    public ImmutableArray<ValidatorReports> Reports(ImmutableArray<Validator> validators)
    {
        var reports = ImmutableArray.CreateBuilder<ValidatorReports>();
        for (int i = 0; i < validators.Length && i < Entries.Length; i++)
        {
            if (Entries[i].IsPresent && PriceVote.TryDecode(Entries[i].Extension, out ImmutableArray<PriceReport> said))
            {
                reports.Add(new ValidatorReports(validators[i].Address, said));
            }
        }

        return reports.ToImmutable();
    }

    private static bool TryReadEntry(ref ReadOnlySpan<byte> rest, out PriceUpdateEntry entry)
    {
        entry = PriceUpdateEntry.Absent;
        if (rest.IsEmpty || rest[0] > 1)
        {
            return false;
        }

        bool present = rest[0] == 1;
        rest = rest[1..];
        if (!present)
        {
            return true;
        }

        if (!Varint.TryRead(ref rest, out ulong length)
            || length > Limits.VoteExtensionBytesMax
            || rest.Length < (int)length + SignatureSize)
        {
            return false;
        }

        entry = new PriceUpdateEntry(
            true, rest[..(int)length].ToArray(), rest.Slice((int)length, SignatureSize).ToArray());
        rest = rest[((int)length + SignatureSize)..];
        return true;
    }
}
