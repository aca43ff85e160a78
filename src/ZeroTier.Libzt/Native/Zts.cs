using System.Runtime.CompilerServices;

[assembly: DisableRuntimeMarshalling]

namespace ZeroTier.Libzt.Native;

/// <summary>
/// libzt's C API (docs/protocol/4-libzt-api.md appendix A), by area. These declarations neither validate nor serialise calls; <c>Node/</c>
/// and <c>Sockets/</c> do.
/// </summary>
/// <remarks>
/// Results of C type <c>ssize_t</c> are declared <see cref="int"/>, which is correct on every platform (section 3). Socket calls preserve
/// the thread's errno; read it with <see cref="LastErrno"/> directly after the call. Every import must be listed in
/// <c>Loading/LibztSymbols.cs</c>, too.
/// </remarks>
internal static unsafe partial class Zts
{
    /// <summary>The library name in the imports; <c>Loading/</c> resolves it to a file.</summary>
    internal const string Library = "libzt";

    /// <summary>Success.</summary>
    internal const int Ok = 0;

    /// <summary>A socket call failed; the reason is <see cref="LastErrno"/>.</summary>
    internal const int SocketError = -1;

    /// <summary>The node or its IP stack is not running (for the init calls: it is running).</summary>
    internal const int ServiceError = -2;

    /// <summary>No such network or address, or the library was built without the function.</summary>
    internal const int NoResult = -4;
}
