using System;

namespace AppChain.StateMachine;

/// <summary>
/// What goes out and comes in, of each owner and of all (VAULT-8): the sums that timelocks and caps look at.
/// </summary>
internal sealed class Flows
{
    /// <summary>Most open withdrawals of an owner.</summary>
    public const int OpenMax = 16;

    private readonly State _state;

    /// <summary>Flows of a state.</summary>
    public Flows(State state) => _state = state;

    /// <summary>The sums of an owner; the zero address stands for all owners.</summary>
    public FlowRow Of(Address owner) =>
        _state.Flows.TryFind(owner, out int slot) ? _state.Flows.Read(slot) : new FlowRow { Owner = owner };

    /// <summary>A deposit was credited.</summary>
    public void Credited(Address owner, long amount, long time)
    {
        // Anybody may deposit to the zero address, whose row is the sum: such a deposit counts once.
        if (owner != default)
        {
            Open(owner).Add(time, 0, amount);
        }

        Open(default).Add(time, 0, amount);
    }

    /// <summary>A withdrawal was requested.</summary>
    public void Requested(Address owner, long amount)
    {
        Change(ref Open(owner), 1, amount, 0);
        Change(ref Open(default), 1, amount, 0);
    }

    /// <summary>A waiting withdrawal was cancelled or vetoed.</summary>
    public void Returned(Address owner, long amount)
    {
        Change(ref Open(owner), -1, -amount, 0);
        Change(ref Open(default), -1, -amount, 0);
    }

    /// <summary>A waiting withdrawal was admitted.</summary>
    public void Admitted(Address owner, long amount)
    {
        Change(ref Open(owner), 0, -amount, amount);
        Change(ref Open(default), 0, -amount, amount);
    }

    /// <summary>An admitted withdrawal waits again.</summary>
    public void Expired(Address owner, long amount)
    {
        Change(ref Open(owner), 0, amount, -amount);
        Change(ref Open(default), 0, amount, -amount);
    }

    /// <summary>An admitted withdrawal was released.</summary>
    public void Released(Address owner, long amount, long time)
    {
        Change(ref Open(owner), -1, 0, -amount);
        Open(owner).Add(time, amount, 0);
        Change(ref Open(default), -1, 0, -amount);
        Open(default).Add(time, amount, 0);
    }

    private static void Change(ref FlowRow row, int open, Int128 waiting, Int128 admitted)
    {
        row.Open += open;
        row.Waiting += waiting;
        row.Admitted += admitted;
        Margin.Invariant.Assert(row.Open >= 0 && row.Waiting >= 0 && row.Admitted >= 0);
    }

    private ref FlowRow Open(Address owner)
    {
        if (!_state.Flows.TryFind(owner, out int slot))
        {
            slot = _state.Flows.Add(new FlowRow { Owner = owner });
        }

        return ref _state.Flows.Write(slot);
    }
}
