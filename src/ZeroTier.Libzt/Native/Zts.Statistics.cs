using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    /// <summary>
    /// The IP stack's counters since the start of the process; <see cref="NoResult"/> when the library was built without statistics.
    /// </summary>
    [LibraryImport(Library, EntryPoint = "zts_stats_get_all")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int StatsGetAll(StatisticsCounters* counters);
}
