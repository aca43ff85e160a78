namespace ZeroTier.Platform;

/// <summary>Folders that only their owner may read. On Windows the access list that they inherit counts.</summary>
internal static class OwnerFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Makes the folder where it is missing; the mode of an existing one stays.</summary>
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly);
        }
    }

    /// <summary>Makes a folder within a storage folder where it is missing.</summary>
    /// <exception cref="IOException">It cannot be made, or is a link that somebody else may have made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static void CreateInside(string path)
    {
        RefuseLink(path);
        Create(path);
    }

    /// <summary>Makes the folder, or closes an existing one to others. Who does not own it cannot do so, and gets an exception.</summary>
    public static void CreateClosed(string path)
    {
        Create(path);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, OwnerOnly);
        }
    }

    /// <summary>Refuses a file or folder that is a symbolic link, where others than the owner may put one.</summary>
    /// <exception cref="IOException">It is one.</exception>
    public static void RefuseLink(string path)
    {
        if (IsLink(path) && Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && OthersMayWrite(folder))
        {
            throw new IOException(
                $"'{path}' is a symbolic link in a folder that others may write, and could lead anywhere. Remove the link, or the others' "
                + $"right to write (chmod go-w '{folder}').");
        }
    }

    /// <summary>
    /// Refuses symbolic links anywhere in the folder, where others than the owner may put one: for a native library, which would follow
    /// them.
    /// </summary>
    /// <exception cref="IOException">There is one.</exception>
    public static void RefuseLinks(string path)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(
            path, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1, AttributesToSkip = 0 }))
        {
            RefuseLink(entry);
        }
    }

    /// <summary>True for a symbolic link, whether it leads somewhere or not.</summary>
    public static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;

    private static bool OthersMayWrite(string folder)
    {
        if (OperatingSystem.IsWindows() || File.GetUnixFileMode(folder) is var mode && (mode & OthersWrite) == 0)
        {
            return false;
        }

        // On a read-only file system no one can plant a link: secrets mounted by Kubernetes are links in a folder of mode 1777. Setting the
        // folder's present mode shows whether it is read-only.
        try
        {
            File.SetUnixFileMode(folder, mode);
        }
        catch (UnauthorizedAccessException)
        {
        }
        catch (IOException)
        {
            return false;
        }

        return true;
    }
}
