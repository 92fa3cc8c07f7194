using System.Buffers.Binary;

namespace AppChain.Node;

/// <summary>Where on the disk things are: three families of keys, and heights as keys and as values.</summary>
internal static class DiskLayout
{
    /// <summary>Family of single values.</summary>
    public const int Meta = 0;

    /// <summary>Family of the records of the change log, by height.</summary>
    public const int ChangeLog = 1;

    /// <summary>Family of the rows.</summary>
    public const int Rows = 2;

    /// <summary>Names of the families, by number.</summary>
    public static string[] Families { get; } = ["default", "changelog", "rows"];

    /// <summary>Name of the height of the rows.</summary>
    public static byte[] RowsHeight { get; } = "rows-height"u8.ToArray();

    /// <summary>Name of the height of the snapshot that the store began with.</summary>
    public static byte[] BaseHeight { get; } = "base-height"u8.ToArray();

    /// <summary>A height as it is written: 8 bytes, big endian, so that keys ascend with it.</summary>
    public static byte[] Key(long height)
    {
        var key = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(key, height);
        return key;
    }

    /// <summary>The height under a name; -1 when there is none.</summary>
    public static long HeightIn(IKeyValueStore disk, byte[] name) =>
        disk.Get(Meta, name) is { } value ? BinaryPrimitives.ReadInt64BigEndian(value) : -1;
}
