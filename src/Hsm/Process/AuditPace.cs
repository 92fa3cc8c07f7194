using System.Globalization;
using System.Numerics;

namespace AppChain.Hsm;

/// <summary>
/// Which outcomes get a line of their own in an audit log, so that whoever may ask the signer cannot fill its disk.
/// Each place that is signed or recorded does; of what leaves the guard where it was, refusals and repetitions, the
/// first few between two such places do, and then the 32nd, the 64th and so on. What is left out is counted. Rule
/// SIGN-40.
/// </summary>
internal sealed class AuditPace
{
    // BOUND: lines between two places, before they thin out; a power of two.
    private const int IdleMax = 16;

    private SignState _furthest = SignState.Fresh;
    private SignState _shown = SignState.Fresh;
    private long _idle;
    private long _refused;
    private long _failed;
    private long _others;

    /// <summary>Whether an outcome gets a line; otherwise it has been counted.</summary>
    public bool IsDue(in AuditEntry entry)
    {
        if (IsNews(entry)) return true;
        _idle++;
        if (_idle <= IdleMax || BitOperations.IsPow2(_idle)) return true;
        switch (entry.Outcome)
        {
            case "refused":
                _refused++;
                break;
            case "failed":
                _failed++;
                break;
            default:
                _others++;
                break;
        }
        return false;
    }

    /// <summary>The line that tells what was left out since it was asked for last; false when nothing was.</summary>
    public bool TryTell(out AuditEntry entry)
    {
        string detail = string.Create(CultureInfo.InvariantCulture,
            $"{_refused} refused, {_failed} failed, {_others} repeated: not told one by one");
        entry = new AuditEntry("omitted", 0, 0, SignStep.None, "", detail);
        return _refused + _failed + _others > 0;
    }

    /// <summary>The line of <see cref="TryTell"/> is in the log.</summary>
    public void Told() => _refused = _failed = _others = 0;

    /// <summary>The line of an outcome is in the log.</summary>
    public void Written(in AuditEntry entry)
    {
        if (IsNews(entry) && entry.Outcome is not "repeated") _idle = 0;
        SignState place = Place(entry);
        if (entry.Outcome is "signed" or "repeated") _shown = place;
        if (entry.Outcome is "signed" or "witnessed" or "recovered" && place.IsAfter(_furthest)) _furthest = place;
    }

    // A signature that leaves is in the log: one that is repeated may be left out only if its place was the last to be
    // told.
    private bool IsNews(in AuditEntry entry) => entry.Outcome switch
    {
        "signed" => true,
        "repeated" => Place(entry) != _shown,
        "witnessed" or "recovered" => Place(entry).IsAfter(_furthest),
        _ => false,
    };

    private static SignState Place(in AuditEntry entry) => SignState.Floor(entry.Height, entry.Round, entry.Step);
}
