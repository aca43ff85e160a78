using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Loading;

/// <summary>Opens a library and checks that it is a libzt that this engine can use.</summary>
internal static class LibraryProbe
{
    private const int NamedSymbols = 3;

    /// <summary>Opens a candidate; an unusable library is closed again.</summary>
    /// <param name="candidate">The location.</param>
    /// <param name="handle">The open library.</param>
    /// <param name="reason">Why it cannot be used, with the loader's message if there is one.</param>
    public static bool TryOpen(LibraryCandidate candidate, out nint handle, [NotNullWhen(false)] out string? reason)
    {
        handle = 0;
        if (!candidate.IsName && !File.Exists(candidate.Path))
        {
            reason = "no such file";
            return false;
        }

        try
        {
            handle = NativeLibrary.Load(candidate.Path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            reason = LoadersOwn(e.Message);
            return false;
        }

        nint library = handle;
        reason = Missing(symbol => NativeLibrary.TryGetExport(library, symbol, out _));
        if (reason is null)
        {
            return true;
        }

        NativeLibrary.Free(handle);
        handle = 0;
        return false;
    }

    /// <summary>Why a library with these symbols cannot be used; null when it can.</summary>
    internal static string? Missing(Predicate<string> has)
    {
        string[] missing = [.. LibztSymbols.Required.Where(symbol => !has(symbol))];
        if (missing.Length == 0)
        {
            return null;
        }

        string names = string.Join(", ", missing.Take(NamedSymbols))
            + (missing.Length > NamedSymbols ? $" and {missing.Length - NamedSymbols} more" : "");
        if (missing.Length == LibztSymbols.Required.Count)
        {
            return has(LibztSymbols.OldStart)
                ? $"it is a libzt of before version 1.4, whose functions have other names (it has {LibztSymbols.OldStart}, and not {names})"
                : $"it is not libzt: it has none of its functions ({names})";
        }

        return $"it is a libzt that is too old (releases up to 1.8.10 are), or that was built without everything: it lacks {names}";
    }

    /// <summary>Extracts the message of the system's loader, before which the runtime puts general advice.</summary>
    private static string LoadersOwn(string message)
    {
        int advice = message.IndexOf('\n', StringComparison.Ordinal);
        string own = advice < 0 ? "" : message[(advice + 1)..].Trim();
        return (own.Length > 0 ? own : message).ReplaceLineEndings("; ");
    }
}
