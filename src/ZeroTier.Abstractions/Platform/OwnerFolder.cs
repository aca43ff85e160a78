namespace ZeroTier.Platform;

/// <summary>Folders that only their owner may access (mode 0700). On Windows their inherited access list applies.</summary>
internal static class OwnerFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Creates the folder if it is missing; the mode of an existing one is not changed.</summary>
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

    /// <summary>Creates a folder within a storage folder if it is missing.</summary>
    /// <exception cref="IOException">It cannot be created, or is a symbolic link that another user may have created.</exception>
    /// <exception cref="UnauthorizedAccessException">Access is denied.</exception>
    public static void CreateInside(string path)
    {
        RefuseLink(path);
        Create(path);
    }

    /// <summary>Creates the folder, or restricts an existing one to its owner; throws if this user is not the owner.</summary>
    public static void CreateClosed(string path)
    {
        Create(path);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, OwnerOnly);
        }
    }

    /// <summary>Refuses a path that is a symbolic link in a folder where other users may create one.</summary>
    /// <exception cref="IOException">It is such a link.</exception>
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
    /// Refuses symbolic links in a folder and its subfolders where other users may create them: a native library would follow them.
    /// </summary>
    /// <exception cref="IOException">There is such a link.</exception>
    public static void RefuseLinks(string path)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(
            path, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1, AttributesToSkip = 0 }))
        {
            RefuseLink(entry);
        }
    }

    /// <summary>True for a symbolic link, whether or not its target exists.</summary>
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
