using System.Threading;

namespace AppChain.Localnet;

/// <summary>Which validators a fault has taken away: nothing is asked of them until they are back.</summary>
internal sealed class Presence(int validators)
{
    private readonly bool[] _away = new bool[validators];

    /// <summary>Whether a validator is away.</summary>
    public bool IsAway(int validator) => Volatile.Read(ref _away[validator]);

    /// <summary>A validator leaves or returns.</summary>
    public void Set(int validator, bool away) => Volatile.Write(ref _away[validator], away);
}
