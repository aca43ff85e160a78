using System.Runtime.CompilerServices;

[assembly: DisableRuntimeMarshalling]

namespace ZeroTier.Libzt.Native;

/// <summary>
/// libzt's C API (docs/protocol/4-libzt-api.md appendix A), by area. Nothing here checks or orders calls: that is the work of the folders
/// above.
/// </summary>
/// <remarks>
/// Results of C type <c>ssize_t</c> are declared <see cref="int"/>, which is right on every platform (section 3). Socket calls keep the
/// thread's error number; read it with <see cref="LastErrno"/> at once. Every import must stand in <c>Loading/LibztSymbols.cs</c>, too.
/// </remarks>
internal static unsafe partial class Zts
{
    /// <summary>The name by which the imports ask for the library; where it is found is decided in <c>Loading/</c>.</summary>
    internal const string Library = "libzt";

    /// <summary>A call worked.</summary>
    internal const int Ok = 0;

    /// <summary>A socket call failed; the reason is <see cref="LastErrno"/>.</summary>
    internal const int SocketError = -1;

    /// <summary>The node, or its IP stack, does not run (or, for the init calls, runs).</summary>
    internal const int ServiceError = -2;

    /// <summary>No such network or address, or the library was built without the function.</summary>
    internal const int NoResult = -4;
}
