using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.Managed.Capture;

/// <summary>Creates the file of a capture, accessible to its owner only. Replaces an older capture, but no other file.</summary>
internal static class CaptureFile
{
    // The type of a pcapng section header block, with which each file begins; the same in both byte orders.
    private static ReadOnlySpan<byte> Magic => [0x0a, 0x0d, 0x0d, 0x0a];

    /// <exception cref="ZeroTierException">The file cannot be created.</exception>
    public static FileStream Create(string path)
    {
        try
        {
            if (IsCapture(path))
            {
                // Deleted rather than truncated: others may have access to the old file, or it may be a link to another file.
                File.Delete(path);
            }

            return PrivateFile.Create(path);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            string why = File.Exists(path)
                ? "it is there, and no capture that could be replaced. Remove it, or name another file."
                : $"{exception.Message} Name a file in a folder that is there and can be written.";
            throw new ZeroTierException(ZeroTierError.Storage, $"The capture '{path}' cannot be made: {why}", exception);
        }
    }

    /// <summary>Whether a capture exists at the path. Devices and pipes, whose length is 0, are not opened, as that could block.</summary>
    private static bool IsCapture(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: > 4 })
        {
            return false;
        }

        using var file = PrivateFile.OpenRead(path);
        Span<byte> begin = stackalloc byte[4];
        return file.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false) == begin.Length && begin.SequenceEqual(Magic);
    }
}
