namespace AppChain.StateMachine;

/// <summary>
/// A kind of row: its key, and the one canonical encoding of key and value that the app hash covers. Fields of the
/// struct that are not encoded are links and sums that <see cref="State"/> rebuilds when it loads.
/// </summary>
public interface IRow<TKey, TRow>
    where TRow : struct, IRow<TKey, TRow>
{
    /// <summary>First byte of the encoded key.</summary>
    static abstract RowKind Kind { get; }

    /// <summary>The key of this row.</summary>
    TKey Key { get; }

    /// <summary>Appends the key, without the kind byte. Big-endian integers, so that byte order is key order.</summary>
    static abstract void EncodeKey(in TKey key, ref ByteWriter writer);

    /// <summary>Appends the value.</summary>
    static abstract void EncodeValue(in TRow row, ref ByteWriter writer);

    /// <summary>Reads a row back from the bytes after the kind byte, and the value.</summary>
    static abstract TRow Decode(ref ByteReader key, ref ByteReader value);
}
