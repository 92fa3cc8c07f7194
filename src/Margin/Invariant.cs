using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace AppChain.Margin;

/// <summary>
/// Always-on assertions. A failed one is a broken belief about our own code, never bad input from a user: the node
/// stops before anything is committed, because going on could fork the chain or lose money.
/// </summary>
public static class Invariant
{
    /// <summary>Stops the node when <paramref name="condition"/> is false. The text is the condition itself.</summary>
    /// <exception cref="InvariantException">The condition is false.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Assert(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string belief = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        if (!condition)
        {
            Fail(belief, file, line);
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(string belief, string file, int line) => throw new InvariantException(belief, file, line);
}

/// <summary>A belief about the state turned out false. Never caught in the deterministic core.</summary>
public sealed class InvariantException : Exception
{
    /// <summary>The source text of the condition that did not hold.</summary>
    public string Belief { get; }

    /// <summary>The file that stated the belief.</summary>
    public string File { get; }

    /// <summary>The line that stated the belief.</summary>
    public int Line { get; }

    /// <summary>Records which belief failed, and where it was stated.</summary>
    public InvariantException(string belief, string file, int line)
        : base(string.Concat("invariant does not hold: ", belief))
    {
        Belief = belief;
        File = file;
        Line = line;
    }
}
