using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Loading;

/// <summary>Searches the candidate locations.</summary>
internal static class LibrarySearch
{
    /// <summary>Opens the first usable candidate.</summary>
    /// <param name="path">A path given in code or configuration, if any.</param>
    /// <param name="found">The candidate that was opened.</param>
    /// <param name="handle">The open library.</param>
    /// <param name="error">What was tried, and the remedy.</param>
    public static bool TryOpen(string? path, out LibraryCandidate found, out nint handle, [NotNullWhen(false)] out ZeroTierException? error)
    {
        var tried = new List<string>();
        foreach (var candidate in LibraryCandidates.For(path))
        {
            if (LibraryProbe.TryOpen(candidate, out handle, out string? reason))
            {
                found = candidate;
                error = null;
                return true;
            }

            tried.Add($"  {candidate}: {reason}");
        }

        found = default;
        handle = 0;
        error = new ZeroTierException(
            ZeroTierError.NotSupported,
            $"The native library libzt was not loaded. Tried:\n{string.Join('\n', tried)}\n"
            + "To get it, build the main branch of libzt (https://github.com/zerotier/libzt; releases up to 1.8.10 lack functions) for "
            + $"{RuntimeInformation.RuntimeIdentifier}, then put it beside the application, or name the file in "
            + $"ZeroTier:LibztPath or in the environment variable {LibztLibrary.PathVariable}. The managed engine (ZeroTier:Engine "
            + "'Managed') needs no native library.");
        return false;
    }
}
