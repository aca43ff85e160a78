namespace ZeroTier.LibztDouble;

/// <summary>The double's library file, as the build made it.</summary>
public static class DoubleLibrary
{
    private static readonly Lock Gate = new();
    private static string? _folder;
    private static int _copies;

    /// <summary>The library file, whether it exists or not. Load copies of it: each copy is a libzt of its own.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "libzt-double.so");

    /// <summary>Whether the build made the library.</summary>
    public static bool IsAvailable => SkipReason is null;

    /// <summary>Why tests with the double cannot run here; null when they can.</summary>
    public static string? SkipReason { get; } = !OperatingSystem.IsLinux() ? "The double of libzt exists for Linux only."
        : !File.Exists(Path) ? $"The double of libzt was not built: is there a C compiler (cc)? {Path} does not exist." : null;

    /// <summary>
    /// A copy of the library under the name that the engine looks for. The loader takes another file for another library, with globals of
    /// its own.
    /// </summary>
    public static string Copy()
    {
        if (SkipReason is { } reason)
        {
            throw new InvalidOperationException(reason);
        }

        lock (Gate)
        {
            if (_folder is null)
            {
                _folder = Directory.CreateTempSubdirectory("libzt-double-").FullName;
                AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(_folder, recursive: true);
            }

            string folder = System.IO.Path.Combine(_folder, $"{++_copies}");
            Directory.CreateDirectory(folder);
            string copy = System.IO.Path.Combine(folder, "libzt.so");
            File.Copy(Path, copy);
            return copy;
        }
    }
}
