using System;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AppChain.Hsm;

/// <summary>Files that are either the old or the new version after a crash, never a mixture and never lost.</summary>
public static partial class DurableFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Replaces the content of a file, readable by its owner only: written to a file beside it, flushed to the disk,
    /// renamed over it, and the folder flushed. When this returns the new content survives a power loss.
    /// </summary>
    /// <exception cref="IOException">The disk is full or broken; the old content is still in place.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + ".new";
        Write(temporary, FileMode.Create, content);
        File.Move(temporary, path, overwrite: true);
        FlushFolder(path);
    }

    /// <summary>Creates a file that must not exist yet, readable by its owner only, as durable as after
    /// <see cref="Replace"/>.</summary>
    /// <exception cref="IOException">The file exists or cannot be written.</exception>
    public static void Create(string path, ReadOnlySpan<byte> content)
    {
        Write(path, FileMode.CreateNew, content);
        FlushFolder(path);
    }

    private static void Write(string path, FileMode mode, ReadOnlySpan<byte> content)
    {
        FileStreamOptions options = new()
        {
            Mode = mode,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using FileStream file = new(path, options);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Flushes the folder of a file: a new name is durable only after that.</summary>
    /// <exception cref="IOException">It cannot be flushed.</exception>
    public static void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        using SafeFileHandle handle = open(folder, 0);
        if (handle.IsInvalid || fsync(handle) != 0)
        {
            throw new IOException($"cannot flush the folder {folder}: error {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle handle);
}
