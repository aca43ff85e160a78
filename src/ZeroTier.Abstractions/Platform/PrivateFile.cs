using System.Runtime.Versioning;

namespace ZeroTier.Platform;

/// <summary>
/// Files of a storage folder, written atomically and, if secret, with mode 0600. Symbolic links are not followed: one planted by another
/// user could make this process create, chmod or read a file elsewhere with its own rights.
/// </summary>
internal static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Writes a file to a temporary name, flushes it and renames it: a crash or a full disk leaves either the old content or the new. Of
    /// several processes that create the same file without overwriting, exactly one succeeds, and no reader sees an incomplete file.
    /// </summary>
    /// <remarks><paramref name="durable"/> may be false for data that can be rebuilt: a crash of the machine may then lose it.</remarks>
    /// <param name="path">The file. A symbolic link in its place is replaced, not followed.</param>
    /// <param name="bytes">The whole content.</param>
    /// <param name="secret">Whether only the owner may read it (mode 0600, or an access list on Windows).</param>
    /// <param name="overwrite">Whether an existing file is replaced.</param>
    /// <param name="durable">Whether to flush it to the disk.</param>
    /// <exception cref="IOException">It cannot be written, or exists and <paramref name="overwrite"/> is false.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes, bool secret, bool overwrite, bool durable = true)
    {
        // Without overwriting, several processes may create the file at the same time, so each needs its own temporary name.
        string temporary = overwrite ? path + ".new" : $"{path}.{Path.GetRandomFileName()}.new";
        File.Delete(path + ".new");
        try
        {
            using (var file = secret && OperatingSystem.IsWindows()
                ? WindowsOwner.Create(temporary)
                : new FileStream(temporary, Options(FileMode.CreateNew, FileAccess.Write, FileShare.None)))
            {
                file.Write(bytes);
                if (!OperatingSystem.IsWindows() && !secret)
                {
                    OpenToReaders(file);
                }

                file.Flush(flushToDisk: durable);
            }

            if (overwrite)
            {
                File.Move(temporary, path, overwrite: true);
            }
            else
            {
                ExclusiveName.Give(temporary, path);
            }
        }
        catch
        {
            Remove(temporary);
            throw;
        }
    }

    /// <summary>Creates a file that only the owner may read, unbuffered; it may be opened for reading while it is written.</summary>
    /// <exception cref="IOException">It cannot be created, or exists.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static FileStream Create(string path) => OperatingSystem.IsWindows()
        ? WindowsOwner.Create(path)
        : new FileStream(path, Options(FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete));

    /// <summary>Opens a file for reading, unbuffered.</summary>
    /// <param name="path">The file.</param>
    /// <param name="asynchronous">Whether it is read asynchronously.</param>
    /// <exception cref="IOException">It cannot be read, or is a symbolic link that another user may have created.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream OpenRead(string path, bool asynchronous = false)
    {
        OwnerFolder.RefuseLink(path);
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, asynchronous);
    }

    /// <summary>Reads a whole file of limited length.</summary>
    /// <exception cref="IOException">It cannot be read, is longer, or is a symbolic link that another user may have created.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] Read(string path, int maximumLength)
    {
        using var file = OpenRead(path);
        var bytes = new byte[maximumLength + 1];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= maximumLength ? bytes[..length] : throw new IOException($"'{path}' is longer than {maximumLength} bytes.");
    }

    /// <summary>
    /// Takes an exclusive lock, which the system releases when the process ends: flock on Unix, a share mode on Windows. Both also exclude
    /// a second open within the same process.
    /// </summary>
    /// <param name="path">The lock file; it stays, empty, after the lock is released. A symbolic link is never followed.</param>
    /// <exception cref="IOException">The lock is held, or the file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static FileStream Lock(string path)
    {
        // Try to create a new file first: this never follows a link.
        try
        {
            return new FileStream(path, Options(FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException) when (File.Exists(path) || OwnerFolder.IsLink(path))
        {
        }

        if (OwnerFolder.IsLink(path))
        {
            throw new IOException($"'{path}' is a symbolic link. Remove it.");
        }

        return new FileStream(path, Options(FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
    }

    /// <summary>Takes the same lock on an existing file in a read-only folder.</summary>
    /// <exception cref="IOException">The lock is held, the file cannot be opened, or is a symbolic link that another user may have
    /// created.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static FileStream LockExisting(string path)
    {
        OwnerFolder.RefuseLink(path);
        return new FileStream(
            path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.None, BufferSize = 0 });
    }

    /// <summary>Whether taking a lock failed because it is held.</summary>
    public static bool IsHeld(IOException error)
    {
        // The framework passes on the system's error code: ERROR_SHARING_VIOLATION, or EWOULDBLOCK, which differs between Linux and BSD or
        // macOS.
        const int SharingViolation = unchecked((int)0x80070020);
        const int WouldBlockOnLinux = 11;
        const int WouldBlockOnBsd = 35;
        return error.HResult
            == (OperatingSystem.IsWindows() ? SharingViolation : OperatingSystem.IsLinux() ? WouldBlockOnLinux : WouldBlockOnBsd);
    }

    /// <summary>Restricts a secret file to its owner, for example after it was copied here.</summary>
    /// <exception cref="IOException">It cannot be changed, or is a symbolic link that another user may have created.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be changed.</exception>
    public static void Tighten(string path)
    {
        OwnerFolder.RefuseLink(path);
        if (OperatingSystem.IsWindows())
        {
            WindowsOwner.Close(path);
        }
        else if ((File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
        {
            File.SetUnixFileMode(path, OwnerOnly);
        }
    }

    /// <summary>
    /// Sets the mode explicitly, because files are created private. Where a sandbox refuses chmod, the file stays private, which is
    /// harmless.
    /// </summary>
    [UnsupportedOSPlatform("windows")]
    private static void OpenToReaders(FileStream file)
    {
        try
        {
            File.SetUnixFileMode(file.SafeFileHandle, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static FileStreamOptions Options(FileMode mode, FileAccess access, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = access, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return options;
    }

    // Cleans up after a failure; errors here are ignored, because the first failure is the one to report.
    private static void Remove(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
