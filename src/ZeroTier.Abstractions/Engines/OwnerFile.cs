namespace ZeroTier.Engines;

/// <summary>Files that are there whole or not at all.</summary>
internal static class OwnerFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a file. It is complete under another name, and on the disk, before it takes its place: a crash leaves the old state or the new one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">All of it.</param>
    /// <param name="secret">Whether nobody but the owner may read it (mode 0600). On Windows the access list that it inherits counts.</param>
    /// <param name="overwrite">Whether it may be there already.</param>
    /// <exception cref="IOException">It cannot be written, or is there and may not be.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes, bool secret, bool overwrite)
    {
        string temporary = path + ".new";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            using (var file = new FileStream(temporary, options))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            if (!OperatingSystem.IsWindows() && !secret)
            {
                // Also against a umask that hides what is public.
                File.SetUnixFileMode(temporary, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            }

            File.Move(temporary, path, overwrite);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Takes away what others may do with a secret file, such as one that was copied here.</summary>
    public static void Tighten(string path)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
        {
            File.SetUnixFileMode(path, OwnerOnly);
        }
    }
}
