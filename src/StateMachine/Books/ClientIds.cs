namespace AppChain.StateMachine;

/// <summary>
/// Finds an open order by its owner's own number. Kept, undone and rebuilt by <see cref="RestingOrders"/>.
/// </summary>
internal sealed class ClientIds
{
    private readonly record struct Key(int Account, ulong ClientId)
    {
        public override int GetHashCode() =>
            unchecked((int)((ClientId * 0x9E3779B97F4A7C15UL) >> 32) + (Account * 397));
    }

    private readonly KeyIndex<Key> _slots = new(1024);

    /// <summary>Slot of the open order; false when there is none.</summary>
    public bool TryFind(int account, ulong clientId, out int slot) =>
        _slots.TryFind(new Key(account, clientId), out slot);

    /// <summary>Adds an open order; a client id of 0 is not indexed.</summary>
    public void Add(int account, ulong clientId, int slot)
    {
        if (clientId != 0)
        {
            _slots.Add(new Key(account, clientId), slot);
        }
    }

    /// <summary>Removes an order that closes.</summary>
    public void Remove(int account, ulong clientId)
    {
        if (clientId != 0)
        {
            _slots.Remove(new Key(account, clientId));
        }
    }
}
