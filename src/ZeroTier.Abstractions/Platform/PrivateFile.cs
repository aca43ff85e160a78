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
    /// processes that make one file without overwriting it, one succeeds, and nobody reads it before it is whole.
    /// </summary>
    /// <remarks>Not durable is for data that can be rebuilt: a crash of the machine may lose it.</remarks>
    /// <param name="path">The file. A symbolic link in its place is replaced, not followed.</param>
    /// <param name="bytes">All of it.</param>
    /// <param name="secret">Whether nobody but the owner may read it (mode 0600, or an access list of its own).</param>
    /// <param name="overwrite">Whether it may be there already.</param>
    /// <param name="durable">Whether it must be on the disk.</param>
    /// <exception cref="IOException">It cannot be written, or is there and may not be.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes, bool secret, bool overwrite, bool durable = true)
    {
        // Where the file may not be there yet, others may be about to make it.
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

    /// <summary>Makes a file that only the owner may read, without a buffer; others may read it while it is written.</summary>
    /// <exception cref="IOException">It cannot be made, or something has its name.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static FileStream Create(string path) => OperatingSystem.IsWindows()
        ? WindowsOwner.Create(path)
        : new FileStream(path, Options(FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete));

    /// <summary>Opens a file to read it, without a buffer.</summary>
    /// <param name="path">The file.</param>
    /// <param name="asynchronous">Whether it is read asynchronously.</param>
    /// <exception cref="IOException">It cannot be read, or is a link that somebody else may have made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static FileStream OpenRead(string path, bool asynchronous = false)
    {
        OwnerFolder.RefuseLink(path);
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, asynchronous);
    }

    /// <summary>Reads a file that is not longer than it may be.</summary>
    /// <exception cref="IOException">It cannot be read, is longer, or is a link that somebody else may have made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] Read(string path, int maximumLength)
    {
        using var file = OpenRead(path);
        var bytes = new byte[maximumLength + 1];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= maximumLength ? bytes[..length] : throw new IOException($"'{path}' is longer than {maximumLength} bytes.");
    }

    /// <summary>
    /// Takes an exclusive lock that ends with the process at the latest: flock on Unix, a sharing violation on Windows. Both hold between
    /// two opens of one process, too.
    /// </summary>
    /// <param name="path">The lock file, which stays behind, empty. A symbolic link is never followed.</param>
    /// <exception cref="IOException">Somebody else has it, or it cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static FileStream Lock(string path)
    {
        // Created only as a new file, so that no link is followed.
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

    /// <summary>Takes the same lock on a file that is there, in a folder that can only be read.</summary>
    /// <exception cref="IOException">Somebody else has it, it cannot be opened, or is a link that somebody else may have made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static FileStream LockExisting(string path)
    {
        OwnerFolder.RefuseLink(path);
        return new FileStream(
            path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.None, BufferSize = 0 });
    }

    /// <summary>Whether a lock was not taken because somebody else has it.</summary>
    public static bool IsHeld(IOException error)
    {
        // The framework passes on the system's number: ERROR_SHARING_VIOLATION, or EWOULDBLOCK of Linux and of BSD and macOS.
        const int SharingViolation = unchecked((int)0x80070020);
        const int WouldBlockOnLinux = 11;
        const int WouldBlockOnBsd = 35;
        return error.HResult
            == (OperatingSystem.IsWindows() ? SharingViolation : OperatingSystem.IsLinux() ? WouldBlockOnLinux : WouldBlockOnBsd);
    }

    /// <summary>Restricts a secret file to its owner, for example one that was copied here.</summary>
    /// <exception cref="IOException">It cannot be changed, or is a link that somebody else may have made.</exception>
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
    /// Set explicitly, since a umask may hide public files. Where a sandbox refuses chmod, the file stays private, which is harmless.
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

    // After a failure, which is the one to report.
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
