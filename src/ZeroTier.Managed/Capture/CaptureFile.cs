using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.Managed.Capture;

/// <summary>The file of a capture: for its owner only, and never in the place of anything but an older capture.</summary>
internal static class CaptureFile
{
    // The first block's type, the same in both byte orders.
    private static ReadOnlySpan<byte> Magic => [0x0a, 0x0d, 0x0d, 0x0a];

    /// <exception cref="ZeroTierException">It cannot be made.</exception>
    public static FileStream Create(string path)
    {
        try
        {
            if (IsCapture(path))
            {
                // A new file with rights of its own: the old one may be open to others, or be somebody's link.
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

    /// <summary>Devices and pipes, which would block, have no length.</summary>
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
