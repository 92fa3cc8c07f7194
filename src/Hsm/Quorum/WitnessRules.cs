using System;
using AppChain.Hsm.Wire;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// What one of the three signers of a validator does when another asks. Everything that decides is here and in
/// <see cref="SignState.Decide"/>; connections and threads are elsewhere. Rules SIGN-27 to SIGN-34.
/// </summary>
public static class WitnessRules
{
    /// <summary>
    /// Where a signer goes on that cannot be sure of its own state, given the states of both others. When one of them
    /// is further, the place is closed without asking what was recorded there: this signer may have recorded something
    /// else in the life it has forgotten.
    /// </summary>
    public static SignState Recover(SignState own, SignState first, SignState second)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        SignState furthest = first.IsAfter(second) ? first : second;
        return furthest.IsAfter(own) ? SignState.Floor(furthest.Height, furthest.Round, furthest.Step) : own;
    }

    /// <summary>
    /// The answer of a witness: records what is asked when the guard allows, and always tells where it stands. Never
    /// throws for what a request holds.
    /// </summary>
    public static WitnessReply Answer(SignGuard guard, WitnessRequest request)
    {
        ArgumentNullException.ThrowIfNull(guard);
        ArgumentNullException.ThrowIfNull(request);
        string? refusal = Refusal(guard, request);
        return new WitnessReply
        {
            Recorded = refusal is null && request.Record is not null,
            Refusal = refusal ?? "",
            Position = ToPosition(guard.State),
        };
    }

    /// <summary>A state as it travels: the signature stays at home.</summary>
    public static Position ToPosition(SignState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new Position
        {
            Height = state.Height,
            Round = state.Round,
            Step = (int)state.Step,
            SignBytes = state.Bytes,
        };
    }

    /// <summary>The state another signer tells.</summary>
    /// <exception cref="FormatException">It contradicts itself.</exception>
    public static SignState FromPosition(Position? position)
    {
        if (position is null) return SignState.Fresh;
        if (position.Step is < 0 or > (int)SignStep.Precommit) throw new FormatException("a position of no step");
        SignState state = new(
            position.Height, position.Round, (SignStep)position.Step, position.SignBytes, ByteString.Empty);
        return state.Fault() is { } fault ? throw new FormatException(fault) : state;
    }

    private static string? Refusal(SignGuard guard, WitnessRequest request)
    {
        try
        {
            if (FromPosition(request.Seen).IsAfter(guard.State))
            {
                // Somebody remembers more of this signer than it does itself: it was set back.
                guard.Distrust();
                return "this signer's state was set back; it recovers";
            }
            if (request.Record is null) return null;
            SignState asked = FromPosition(request.Record);
            if (asked.Bytes.IsEmpty || asked.Step == SignStep.None) return "the request holds nothing to record";
            guard.Record(asked.Height, asked.Round, asked.Step, asked.Bytes);
            return null;
        }
        catch (Exception error) when (error is FormatException or SigningRefusedException
            or System.IO.IOException or UnauthorizedAccessException)
        {
            return error.Message;
        }
    }
}
