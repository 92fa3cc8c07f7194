using System;

namespace AppChain.Simulation;

/// <summary>Something happened that must never happen. The message says what, where and when.</summary>
internal sealed class Violation(string rule, string message) : Exception($"{rule}: {message}")
{
    /// <summary>Something that must not be after the block of a height.</summary>
    public Violation(string rule, long height, string message) : this(rule, $"height {height}: {message}")
    {
    }

    /// <summary>Which belief was broken, in a word.</summary>
    public string Rule { get; } = rule;
}
