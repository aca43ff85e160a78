using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using ZeroTier.Libzt.Loading;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt;

/// <summary>The native library libzt of this process. At most one is loaded, and it is never unloaded. Thread-safe.</summary>
public sealed class LibztLibrary
{
    /// <summary>The environment variable with the path of the library or its folder, used when no path is given in code.</summary>
    public const string PathVariable = "LIBZT_PATH";

    private static readonly Lock _lock = new();
    private static LibztLibrary? _loaded;

    // Addresses of variables in the library; 0 in builds that do not export them.
    private readonly nint _stateFlags;
    private readonly nint _service;

    private LibztLibrary(string path, nint handle)
    {
        Path = path;
        Handle = handle;
        _stateFlags = NativeLibrary.TryGetExport(handle, LibztSymbols.StateFlags, out nint flags) ? flags : 0;
        _service = NativeLibrary.TryGetExport(handle, LibztSymbols.Service, out nint service) ? service : 0;
    }

    /// <summary>The path of the library; only a file name when the system's loader found it.</summary>
    public string Path { get; }

    internal nint Handle { get; }

    /// <summary>True while a native service exists; always false in builds that do not export the variable.</summary>
    internal unsafe bool HasService => _service != 0 && Volatile.Read(ref *(nint*)_service) != 0;

    /// <summary>Loads the library, once, from the default locations of <see cref="Load(string?)"/>.</summary>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.NotSupported"/>: it was not found, cannot be loaded, or is too
    /// old.</exception>
    public static LibztLibrary Load() => Load(null);

    /// <summary>
    /// Loads the library, once: from <paramref name="path"/>; if that is null, from the path in <see cref="PathVariable"/>; if that is not
    /// set, from <c>runtimes/RID/native</c> in the application's folder, that folder itself, and the search path of the system's loader.
    /// </summary>
    /// <param name="path">The file or its folder; null for the default locations.</param>
    /// <exception cref="ZeroTierException">
    /// <see cref="ZeroTierError.NotSupported"/>: it was not found, cannot be loaded, is too old, or another one is loaded. The message
    /// lists everything that was tried with the loader's reason, and says how to get the library.
    /// </exception>
    public static LibztLibrary Load(string? path) =>
        TryLoad(path, out var library, out var error) ? library : throw error;

    /// <summary>Like <see cref="Load(string?)"/>, but returns the error instead of throwing it.</summary>
    /// <param name="path">The file or its folder; null for the default locations.</param>
    /// <param name="library">The library; null on failure.</param>
    /// <param name="error">Why it could not be loaded; null on success.</param>
    public static bool TryLoad(
        string? path, [NotNullWhen(true)] out LibztLibrary? library, [NotNullWhen(false)] out ZeroTierException? error)
    {
        lock (_lock)
        {
            if (_loaded is not { } loaded)
            {
                library = LibrarySearch.TryOpen(path, out var found, out nint handle, out error)
                    ? Use(new LibztLibrary(found.Path, handle))
                    : null;
                return library is not null;
            }

            if (path is null || LibraryCandidates.For(path).Any(candidate => candidate.Path == loaded.Path))
            {
                library = loaded;
                error = null;
                return true;
            }

            error = new ZeroTierException(
                ZeroTierError.NotSupported,
                $"This process runs libzt from '{loaded.Path}' already and cannot load another one from '{path}'. Give the same path "
                + "everywhere in the process, or none. The managed engine (ZeroTier:Engine 'Managed') needs no native library.");
            library = null;
            return false;
        }
    }

    /// <summary>
    /// Sets the flag without which the library's callback thread exits at once. The library sets it too, but usually after the thread has
    /// read it, a race (docs/protocol/4-libzt-api.md 7.1). If the flag is not exported, events may never arrive; the engine works without
    /// them.
    /// </summary>
    internal unsafe void KeepCallbackThread()
    {
        const byte CallbacksRun = 0x08;
        if (_stateFlags != 0)
        {
            ref byte flags = ref *(byte*)_stateFlags;
            Volatile.Write(ref flags, (byte)(Volatile.Read(ref flags) | CallbacksRun));
        }
    }

    private static LibztLibrary Use(LibztLibrary library)
    {
        NativeLibrary.SetDllImportResolver(typeof(Zts).Assembly, (name, _, _) => name == Zts.Library ? library.Handle : 0);
        Zts.UseErrno(NativeLibrary.TryGetExport(library.Handle, LibztSymbols.Errno, out nint address) ? address : 0);
        return _loaded = library;
    }
}
