using System.Runtime.InteropServices;

namespace ZeroTier.Platform;

/// <summary>Renames a file atomically, failing if the new name exists. Of several processes that try, exactly one succeeds.</summary>
/// <remarks>
/// <see cref="File.Move(string, string, bool)"/> without overwriting is not atomic on Unix: it checks, then renames, and so may replace a
/// file created in between.
/// </remarks>
internal static partial class ExclusiveName
{
    // EEXIST on Linux, macOS and the BSDs.
    private const int Exists = 17;

    /// <param name="from">The file. It must be in the folder of <paramref name="to"/>.</param>
    /// <param name="to">Its new name.</param>
    /// <exception cref="IOException">Another file has the name.</exception>
    public static void Give(string from, string to)
    {
        if (OperatingSystem.IsWindows())
        {
            File.Move(from, to, overwrite: false);
        }
        else if (Link(from, to) == 0)
        {
            File.Delete(from);
        }
        else if (Marshal.GetLastPInvokeError() == Exists)
        {
            throw new IOException($"'{to}' is there already.");
        }
        else
        {
            // A file system without hard links, or another error, which File.Move reports with a better message.
            File.Move(from, to, overwrite: false);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);
}
