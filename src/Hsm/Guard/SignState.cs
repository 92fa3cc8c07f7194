using System;
using System.Diagnostics.CodeAnalysis;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Hsm;

/// <summary>The signatures of one round, in the order in which an honest validator makes them.</summary>
public enum SignStep : byte
{
    /// <summary>Nothing was signed yet.</summary>
    None = 0,

    /// <summary>The proposal of a block.</summary>
    Proposal = 1,

    /// <summary>The first vote.</summary>
    Prevote = 2,

    /// <summary>The second vote.</summary>
    Precommit = 3,
}

/// <summary>
/// The double-sign guard: what was last given to the key to sign, and whether something else may be after it. Pure; the
/// caller stores the new state before the key signs. Rules SIGN-4 to SIGN-8.
/// </summary>
/// <param name="Height">Height of what was last signed, 0 before the first.</param>
/// <param name="Round">Its round.</param>
/// <param name="Step">What it was for.</param>
/// <param name="Bytes">The bytes to sign. Empty when only the place is known: then nothing may be signed there.</param>
/// <param name="Signature">The signature over them; empty when it is not at hand, it can be made again.</param>
public sealed record SignState(long Height, int Round, SignStep Step, ByteString Bytes, ByteString Signature)
{
    /// <summary>Of a key that has signed nothing.</summary>
    public static SignState Fresh { get; } = new(0, 0, SignStep.None, ByteString.Empty, ByteString.Empty);

    /// <summary>Nothing at or before a place may be signed any more, whatever was signed there.</summary>
    public static SignState Floor(long height, int round, SignStep step) =>
        new(height, round, step, ByteString.Empty, ByteString.Empty);

    /// <summary>Whether this place comes after that of <paramref name="other"/>.</summary>
    public bool IsAfter(SignState other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return (Height, Round, Step).CompareTo((other.Height, other.Round, other.Step)) > 0;
    }

    /// <summary>
    /// What is wrong with a state that came from outside: the bytes name height, round, step and chain themselves, and
    /// a state that contradicts itself guards nothing. Null when nothing is.
    /// </summary>
    public string? Fault()
    {
        if (Height < 0 || Round < 0) return $"height {Height}, round {Round} is out of range";
        if (Step > SignStep.Precommit) return $"step {(int)Step} is unknown";
        if (!Signature.IsEmpty && Signature.Length != Sodium.SignatureSize) return "the signature is incomplete";
        if (Bytes.IsEmpty) return Signature.IsEmpty ? null : "a signature without the bytes it signs";
        try
        {
            if (!Frame.TryReadPrefix(Bytes.Span, int.MaxValue, out int length, out int prefix)
                || Bytes.Length != prefix + length) return "the signed bytes are incomplete";
            ReadOnlySpan<byte> message = Bytes.Span[prefix..];
            (long height, long round, SignedMsgType found) = Step == SignStep.Proposal
                ? Place(CanonicalProposal.Parser.Read(message))
                : Place(CanonicalVote.Parser.Read(message));
            return height == Height && round == Round && found == TypeOf(Step)
                ? null
                : "the signed bytes are of another height, round or step";
        }
        catch (System.IO.IOException error)
        {
            return $"the signed bytes cannot be decoded: {error.Message}";
        }
    }

    /// <summary>Whether <paramref name="bytes"/> may be signed for height, round and step.</summary>
    /// <param name="height">Above 0.</param>
    /// <param name="round">0 or more.</param>
    /// <param name="step">Not <see cref="SignStep.None"/>.</param>
    /// <param name="bytes">What <see cref="SignBytes"/> made for the request.</param>
    public SignDecision Decide(long height, int round, SignStep step, ReadOnlySpan<byte> bytes)
    {
        int order = (height, round, step).CompareTo((Height, Round, Step));
        if (order > 0) return SignDecision.Sign;
        if (order < 0)
        {
            return SignDecision.Refuse($"{step} at height {height}, round {round} is asked for after {Step} at "
                + $"height {Height}, round {Round} was signed");
        }
        if (bytes.SequenceEqual(Bytes.Span)) return SignDecision.Repeat(null);
        if (DifferOnlyInTime(step, bytes, out Timestamp? signed)) return SignDecision.Repeat(signed);
        return SignDecision.Refuse(Bytes.IsEmpty
            ? $"{step} at height {height}, round {round} may have been signed before"
            : $"{step} at height {height}, round {round} was signed with other content");
    }

    private static (long Height, long Round, SignedMsgType Type) Place(CanonicalProposal proposal) =>
        (proposal.Height, proposal.Round, proposal.Type);

    private static (long Height, long Round, SignedMsgType Type) Place(CanonicalVote vote) =>
        (vote.Height, vote.Round, vote.Type);

    private static SignedMsgType TypeOf(SignStep step) => step switch
    {
        SignStep.Proposal => SignedMsgType.Proposal,
        SignStep.Prevote => SignedMsgType.Prevote,
        SignStep.Precommit => SignedMsgType.Precommit,
        SignStep.None => SignedMsgType.Unknown,
    };

    private bool DifferOnlyInTime(SignStep step, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Timestamp? signed) =>
        step == SignStep.Proposal
            ? DifferOnlyInTime(CanonicalProposal.Parser, Bytes.Span, bytes, static p => p.Timestamp,
                static (p, time) => p.Timestamp = time, out signed)
            : DifferOnlyInTime(CanonicalVote.Parser, Bytes.Span, bytes, static v => v.Timestamp,
                static (v, time) => v.Timestamp = time, out signed);

    private static bool DifferOnlyInTime<T>(
        MessageParser<T> parser, ReadOnlySpan<byte> ours, ReadOnlySpan<byte> theirs, Func<T, Timestamp?> time,
        Action<T, Timestamp?> setTime, [NotNullWhen(true)] out Timestamp? signed)
        where T : IMessage<T>, IEquatable<T>
    {
        signed = null;
        if (!TryParse(parser, ours, out T? last) || !TryParse(parser, theirs, out T? next)) return false;
        signed = time(last);
        if (signed is null) return false;
        setTime(last, null);
        setTime(next, null);
        return last.Equals(next);
    }

    private static bool TryParse<T>(
        MessageParser<T> parser, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out T? message)
        where T : IMessage<T>
    {
        message = default;
        try
        {
            if (!Frame.TryReadPrefix(bytes, int.MaxValue, out int length, out int prefix)) return false;
            if (bytes.Length != prefix + length) return false;
            message = parser.Read(bytes[prefix..]);
            return true;
        }
        catch (System.IO.IOException)
        {
            return false;
        }
    }
}

/// <summary>What the guard says to a request.</summary>
/// <param name="Verdict">Sign, repeat or refuse.</param>
/// <param name="SignedTime">With <see cref="SignVerdict.Repeat"/>: the time that was signed, when the request has
/// another one; the answer must carry it.</param>
/// <param name="Reason">With <see cref="SignVerdict.Refuse"/>: why.</param>
public readonly record struct SignDecision(SignVerdict Verdict, Timestamp? SignedTime, string? Reason)
{
    /// <summary>Nothing like it was signed.</summary>
    public static SignDecision Sign { get; } = new(SignVerdict.Sign, null, null);

    /// <summary>The same was signed, perhaps with another time.</summary>
    public static SignDecision Repeat(Timestamp? signedTime) => new(SignVerdict.Repeat, signedTime, null);

    /// <summary>Signing it could be a double sign.</summary>
    public static SignDecision Refuse(string reason) => new(SignVerdict.Refuse, null, reason);
}

/// <summary>Kinds of <see cref="SignDecision"/>.</summary>
public enum SignVerdict : byte
{
    /// <summary>Never sign.</summary>
    Refuse = 0,

    /// <summary>Sign the bytes of the request and store that.</summary>
    Sign = 1,

    /// <summary>Answer with the stored signature.</summary>
    Repeat = 2,
}
