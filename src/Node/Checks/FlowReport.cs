using System;
using System.Collections.Generic;

namespace AppChain.Node;

/// <summary>
/// Outcome of replaying recorded order flow through the chain's book: every case is agreed, disagreed, or skipped for a
/// reason that the recording itself gives.
/// </summary>
internal sealed class FlowReport
{
    private readonly List<string> _disagreements = [];
    private readonly SortedDictionary<string, int> _skipReasons = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _notes = new(StringComparer.Ordinal);

    /// <summary>All cases.</summary>
    public int Cases => Agreed + _disagreements.Count + Skipped;

    /// <summary>Cases in which our book did what was recorded.</summary>
    public int Agreed { get; private set; }

    /// <summary>Cases that the recording leaves open.</summary>
    public int Skipped { get; private set; }

    /// <summary>One line per case in which our book did something else.</summary>
    public IReadOnlyList<string> Disagreements => _disagreements;

    /// <summary>Why cases were skipped, and how many for each reason.</summary>
    public IReadOnlyDictionary<string, int> SkipReasons => _skipReasons;

    /// <summary>Further counts worth knowing: executions, levels compared.</summary>
    public IReadOnlyDictionary<string, int> Notes => _notes;

    /// <summary>Price and quantity of each fill that our book made by itself, in order.</summary>
    public List<(long Price, long Quantity)> Fills { get; } = [];

    /// <summary>Notes a fill that our book made by itself.</summary>
    public void Filled(long price, long quantity) => Fills.Add((price, quantity));

    /// <summary>Counts a case in which both agree.</summary>
    public void Agree() => Agreed++;

    /// <summary>Counts a case in which they do not.</summary>
    public void Disagree(string what) => _disagreements.Add(what);

    /// <summary>Counts a case that cannot be judged because of <paramref name="reason"/>.</summary>
    public void Skip(string reason)
    {
        Skipped++;
        _skipReasons[reason] = _skipReasons.GetValueOrDefault(reason) + 1;
    }

    /// <summary>Counts something beside the cases.</summary>
    public void Note(string what, int count = 1) => _notes[what] = _notes.GetValueOrDefault(what) + count;
}
