using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Loading;

/// <summary>A location where the library may be.</summary>
/// <param name="Path">A full path, or only a file name, which the system's loader searches for.</param>
internal readonly record struct LibraryCandidate(string Path)
{
    /// <summary>True when the system's loader searches for it.</summary>
    public bool IsName => !System.IO.Path.IsPathRooted(Path);

    public override string ToString() => IsName ? $"{Path} (where the system's loader looks)" : Path;
}

/// <summary>The locations that are searched for the library, in order.</summary>
internal static class LibraryCandidates
{
    /// <summary>The locations for this process.</summary>
    /// <param name="path">A path given in code or configuration; it is then the only location.</param>
    public static IReadOnlyList<LibraryCandidate> For(string? path) =>
        For(path
            ?? Environment.GetEnvironmentVariable(LibztLibrary.PathVariable), AppContext.BaseDirectory, RuntimeIdentifiers(), FileNames());

    /// <summary>The locations for a given environment.</summary>
    public static IReadOnlyList<LibraryCandidate> For(
        string? path, string baseDirectory, IEnumerable<string> runtimeIdentifiers, IReadOnlyList<string> fileNames)
    {
        // A library given by path is used or refused: silently loading another one would be a surprise.
        if (!string.IsNullOrWhiteSpace(path))
        {
            string full = Path.GetFullPath(path);
            return Directory.Exists(full)
                ? [.. fileNames.Select(name => new LibraryCandidate(Path.Combine(full, name)))]
                : [new LibraryCandidate(full)];
        }

        var folders = runtimeIdentifiers.Distinct()
            .Select(rid => Path.Combine(baseDirectory, "runtimes", rid, "native"))
            .Append(baseDirectory);
        return
        [
            .. folders.SelectMany(folder => fileNames.Select(name => new LibraryCandidate(Path.Combine(folder, name)))),
            .. fileNames.Select(name => new LibraryCandidate(name)),
        ];
    }

    /// <summary>
    /// The names of the library's file on this platform. CMake calls the Windows one <c>zt-shared.dll</c>, packages call it
    /// <c>libzt.dll</c>.
    /// </summary>
    private static IReadOnlyList<string> FileNames() =>
        OperatingSystem.IsWindows() ? ["libzt.dll", "zt-shared.dll"] : OperatingSystem.IsMacOS() ? ["libzt.dylib"] : ["libzt.so"];

    /// <summary>The runtime identifier of this process, then the portable one.</summary>
    private static IEnumerable<string> RuntimeIdentifiers()
    {
        string own = RuntimeInformation.RuntimeIdentifier;
        yield return own;
        string architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        string system = OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : own.Contains("musl", StringComparison.Ordinal) || own.StartsWith("alpine", StringComparison.Ordinal) ? "linux-musl"
            : "linux";
        yield return $"{system}-{architecture}";
    }
}
