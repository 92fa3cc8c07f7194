using System;
using System.Collections.Generic;

namespace AppChain.Node;

/// <summary>
/// What <see cref="ChainStore"/> asks of a disk: families of keys in order, and batches that are written whole or not
/// at all, one after the other. A batch that was not durable may be lost with the machine, and then every later one is
/// lost too, up to the next durable one. RocksDB in a node, a disk that loses and tears writes in the simulation.
/// </summary>
internal interface IKeyValueStore : IDisposable
{
    /// <summary>Reads a value; null when the key is absent.</summary>
    byte[]? Get(int family, ReadOnlySpan<byte> key);

    /// <summary>All entries of a family, ascending by key, as of the call.</summary>
    IEnumerable<KeyValuePair<byte[], byte[]>> Scan(int family);

    /// <summary>A new, empty batch.</summary>
    IWriteBatch NewBatch();

    /// <summary>
    /// Writes a batch atomically; when <paramref name="durable"/>, it is on the disk before the call returns.
    /// </summary>
    /// <exception cref="StorageException">It was not written.</exception>
    void Write(IWriteBatch batch, bool durable);

    /// <summary>Refuses to go on while there is too little room for a record of this size.</summary>
    /// <exception cref="StorageException">The disk is full.</exception>
    void RequireSpace(int recordBytes);
}

/// <summary>Writes that happen together or not at all.</summary>
internal interface IWriteBatch : IDisposable
{
    /// <summary>Sets a value.</summary>
    void Put(int family, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Removes a key.</summary>
    void Delete(int family, ReadOnlySpan<byte> key);
}

/// <summary>When the rows of a committed block are brought up to date.</summary>
internal enum Materialising
{
    /// <summary>By a thread of its own, soon.</summary>
    Background,

    /// <summary>Before <see cref="ChainStore.Append"/> returns: for one thread in virtual time.</summary>
    AtOnce,

    /// <summary>Not at all: for tests of recovery.</summary>
    Never,
}
