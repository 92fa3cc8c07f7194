using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;

namespace AppChain.Node;

/// <summary>The store failed: the message says what happened and what to do.</summary>
public sealed class StorageException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Thin binding of librocksdb (Debian: librocksdb-dev): a database with named column families, write batches, point
/// reads and forward scans. Everything that the C library allocates is freed here.
/// </summary>
internal sealed unsafe partial class RocksDb : IKeyValueStore
{
    private const string Library = "librocksdb.so.7.8";

    // The level of the database's own log that writes nothing after opening. Debian's build aborts the process when a
    // line of that log does not fit on a full disk, even while closing.
    private const int HeaderOnly = 5;

    /// <summary>
    /// Bytes that the database's own log may take. A log file goes when every family has written out what it holds of
    /// it; a family that changes little, such as the one with the heights, would keep files until there are 1.5 GB of
    /// them, all of which a start reads again. Beyond the bound the families that keep the oldest file are written out.
    /// </summary>
    public const long LogBytesMax = 256L << 20;

    private readonly nint _db;
    private readonly nint _options;
    private readonly nint _readOptions;
    private readonly nint _synchronous;
    private readonly nint _buffered;
    private readonly nint[] _families;
    private readonly string _path;
    private bool _disposed;

    /// <summary>Opens a database, creating it and its column families when they are missing.</summary>
    /// <param name="path">Its directory.</param>
    /// <param name="families">Names of the column families.</param>
    /// <param name="logBytes">See <see cref="LogBytesMax"/>; 0 leaves it to the database.</param>
    /// <exception cref="StorageException">
    /// The library is missing, another process holds the database, or it is damaged.
    /// </exception>
    public RocksDb(string path, IReadOnlyList<string> families, long logBytes = LogBytesMax)
    {
        _path = Path.GetFullPath(path);
        try
        {
            _options = rocksdb_options_create();
        }
        catch (DllNotFoundException missing)
        {
            throw new StorageException(
                $"the native library {Library} is missing; install the package librocksdb-dev", missing);
        }

        Directory.CreateDirectory(path);
        rocksdb_options_set_create_if_missing(_options, 1);
        rocksdb_options_set_create_missing_column_families(_options, 1);
        rocksdb_options_set_max_background_jobs(_options, 2);
        rocksdb_options_set_keep_log_file_num(_options, 2);
        rocksdb_options_set_paranoid_checks(_options, 1);
        rocksdb_options_set_max_total_wal_size(_options, (ulong)logBytes);
        rocksdb_options_set_info_log_level(_options, HeaderOnly);
        _readOptions = rocksdb_readoptions_create();
        _synchronous = rocksdb_writeoptions_create();
        rocksdb_writeoptions_set_sync(_synchronous, 1);
        _buffered = rocksdb_writeoptions_create();

        var names = new nint[families.Count];
        var options = new nint[families.Count];
        _families = new nint[families.Count];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = Marshal.StringToCoTaskMemUTF8(families[i]);
            options[i] = _options;
        }

        byte* error = null;
        fixed (nint* namesPointer = names, optionsPointer = options, handles = _families)
        {
            _db = rocksdb_open_column_families(
                _options, path, names.Length, namesPointer, optionsPointer, handles, &error);
        }

        foreach (nint name in names)
        {
            Marshal.FreeCoTaskMem(name);
        }

        Throw(error);
    }

    /// <summary>Reads a value; null when the key is absent.</summary>
    public byte[]? Get(int family, ReadOnlySpan<byte> key)
    {
        byte* error = null;
        nuint length;
        byte* value;
        fixed (byte* keyPointer = key)
        {
            value = rocksdb_get_cf(
                _db, _readOptions, _families[family], keyPointer, (nuint)key.Length, &length, &error);
        }

        Throw(error);
        if (value == null)
        {
            return null;
        }

        byte[] copy = new ReadOnlySpan<byte>(value, checked((int)length)).ToArray();
        rocksdb_free(value);
        return copy;
    }

    /// <summary>
    /// Writes a batch atomically; when <paramref name="durable"/>, it is on the disk before the call returns.
    /// </summary>
    public void Write(WriteBatch batch, bool durable)
    {
        byte* error = null;
        rocksdb_write(_db, durable ? _synchronous : _buffered, batch.Handle, &error);
        Throw(error);
    }

    /// <summary>A new, empty batch for this database.</summary>
    public WriteBatch NewBatch() => new(this);

    /// <inheritdoc/>
    IWriteBatch IKeyValueStore.NewBatch() => NewBatch();

    /// <inheritdoc/>
    void IKeyValueStore.Write(IWriteBatch batch, bool durable) => Write((WriteBatch)batch, durable);

    /// <inheritdoc/>
    /// <remarks>
    /// Some space is kept: on a disk that is full to the last block the database itself can fail in the middle of its
    /// own housekeeping, without a message of ours. Rows and compactions need a few times what a record takes.
    /// </remarks>
    public void RequireSpace(int recordBytes)
    {
        const long kept = 8L << 20;
        long free = new DriveInfo(_path).AvailableFreeSpace;
        if (free < kept + (4L * recordBytes))
        {
            string left = (free >> 10).ToString(CultureInfo.InvariantCulture);
            throw new StorageException(
                $"database {_path}: {left} KiB are left: the disk is full; free space and start again, "
                + "nothing committed is lost");
        }
    }

    /// <summary>All entries of a column family, ascending by key, as of the call.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(int family)
    {
        nint iterator = rocksdb_create_iterator_cf(_db, _readOptions, _families[family]);
        try
        {
            rocksdb_iter_seek_to_first(iterator);
            while (rocksdb_iter_valid(iterator) != 0)
            {
                yield return Current(iterator);
                rocksdb_iter_next(iterator);
            }

            CheckIterator(iterator);
        }
        finally
        {
            rocksdb_iter_destroy(iterator);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        foreach (nint family in _families)
        {
            rocksdb_column_family_handle_destroy(family);
        }

        rocksdb_close(_db);
        rocksdb_writeoptions_destroy(_synchronous);
        rocksdb_writeoptions_destroy(_buffered);
        rocksdb_readoptions_destroy(_readOptions);
        rocksdb_options_destroy(_options);
    }

    private static KeyValuePair<byte[], byte[]> Current(nint iterator)
    {
        nuint keyLength, valueLength;
        byte* key = rocksdb_iter_key(iterator, &keyLength);
        byte* value = rocksdb_iter_value(iterator, &valueLength);
        return new KeyValuePair<byte[], byte[]>(
            new ReadOnlySpan<byte>(key, checked((int)keyLength)).ToArray(),
            new ReadOnlySpan<byte>(value, checked((int)valueLength)).ToArray());
    }

    private void CheckIterator(nint iterator)
    {
        byte* error = null;
        rocksdb_iter_get_error(iterator, &error);
        Throw(error);
    }

    private void Throw(byte* error)
    {
        if (error == null)
        {
            return;
        }

        string text = Marshal.PtrToStringUTF8((nint)error) ?? "unknown error";
        rocksdb_free(error);
        string advice = text switch
        {
            _ when text.Contains("Permission denied", StringComparison.Ordinal) =>
                "run it as the user whose directory it is, or give this one the rights",
            _ when text.Contains("lock", StringComparison.OrdinalIgnoreCase)
                && text.Contains("LOCK", StringComparison.Ordinal) =>
                "another process uses this data directory; stop it first",
            _ when text.Contains("No space", StringComparison.OrdinalIgnoreCase) =>
                "the disk is full; free space and start again, nothing committed is lost",
            _ when text.Contains("orruption", StringComparison.Ordinal) =>
                "the database is damaged; restore the data directory from a backup, or remove it and sync from the "
                + "other validators",
            _ => "see the text above; the database was not changed by the failed call",
        };
        throw new StorageException($"database {_path}: {text}: {advice}");
    }

    /// <summary>Writes that happen together or not at all.</summary>
    internal sealed class WriteBatch : IWriteBatch
    {
        private readonly RocksDb _owner;

        internal WriteBatch(RocksDb owner)
        {
            _owner = owner;
            Handle = rocksdb_writebatch_create();
        }

        internal nint Handle { get; }

        public void Put(int family, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            fixed (byte* keyPointer = key, valuePointer = value)
            {
                rocksdb_writebatch_put_cf(
                    Handle, _owner._families[family], keyPointer, (nuint)key.Length, valuePointer, (nuint)value.Length);
            }
        }

        public void Delete(int family, ReadOnlySpan<byte> key)
        {
            fixed (byte* keyPointer = key)
            {
                rocksdb_writebatch_delete_cf(Handle, _owner._families[family], keyPointer, (nuint)key.Length);
            }
        }

        public void Dispose() => rocksdb_writebatch_destroy(Handle);
    }

    [LibraryImport(Library)] private static partial nint rocksdb_options_create();
    [LibraryImport(Library)] private static partial void rocksdb_options_destroy(nint options);
    [LibraryImport(Library)]
    private static partial void rocksdb_options_set_create_if_missing(nint options, byte value);
    [LibraryImport(Library)]
    private static partial void rocksdb_options_set_create_missing_column_families(nint options, byte value);
    [LibraryImport(Library)]
    private static partial void rocksdb_options_set_max_background_jobs(nint options, int value);
    [LibraryImport(Library)]
    private static partial void rocksdb_options_set_keep_log_file_num(nint options, nuint value);
    [LibraryImport(Library)] private static partial void rocksdb_options_set_info_log_level(nint options, int value);
    [LibraryImport(Library)] private static partial void rocksdb_options_set_paranoid_checks(nint options, byte value);
    [LibraryImport(Library)]
    private static partial void rocksdb_options_set_max_total_wal_size(nint options, ulong value);
    [LibraryImport(Library)] private static partial nint rocksdb_readoptions_create();
    [LibraryImport(Library)] private static partial void rocksdb_readoptions_destroy(nint options);
    [LibraryImport(Library)] private static partial nint rocksdb_writeoptions_create();
    [LibraryImport(Library)] private static partial void rocksdb_writeoptions_destroy(nint options);
    [LibraryImport(Library)] private static partial void rocksdb_writeoptions_set_sync(nint options, byte value);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint rocksdb_open_column_families(
        nint options, string path, int count, nint* names, nint* familyOptions, nint* handles, byte** error);
    [LibraryImport(Library)] private static partial void rocksdb_column_family_handle_destroy(nint handle);
    [LibraryImport(Library)] private static partial void rocksdb_close(nint db);
    [LibraryImport(Library)]
    private static partial byte* rocksdb_get_cf(
        nint db, nint options, nint family, byte* key, nuint keyLength, nuint* valueLength, byte** error);
    [LibraryImport(Library)] private static partial void rocksdb_write(nint db, nint options, nint batch, byte** error);
    [LibraryImport(Library)] private static partial nint rocksdb_writebatch_create();
    [LibraryImport(Library)] private static partial void rocksdb_writebatch_destroy(nint batch);
    [LibraryImport(Library)]
    private static partial void rocksdb_writebatch_put_cf(
        nint batch, nint family, byte* key, nuint keyLength, byte* value, nuint valueLength);
    [LibraryImport(Library)]
    private static partial void rocksdb_writebatch_delete_cf(nint batch, nint family, byte* key, nuint keyLength);
    [LibraryImport(Library)] private static partial nint rocksdb_create_iterator_cf(nint db, nint options, nint family);
    [LibraryImport(Library)] private static partial void rocksdb_iter_destroy(nint iterator);
    [LibraryImport(Library)] private static partial void rocksdb_iter_seek_to_first(nint iterator);
    [LibraryImport(Library)] private static partial byte rocksdb_iter_valid(nint iterator);
    [LibraryImport(Library)] private static partial void rocksdb_iter_next(nint iterator);
    [LibraryImport(Library)] private static partial byte* rocksdb_iter_key(nint iterator, nuint* length);
    [LibraryImport(Library)] private static partial byte* rocksdb_iter_value(nint iterator, nuint* length);
    [LibraryImport(Library)] private static partial void rocksdb_iter_get_error(nint iterator, byte** error);
    [LibraryImport(Library)] private static partial void rocksdb_free(void* pointer);
}
