using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    /// <summary>Starts the node's thread and returns at once; failures after that are not reported.</summary>
    [LibraryImport(Library, EntryPoint = "zts_node_start")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NodeStart();

    /// <summary>Requests the node's stop and returns long before it has stopped.</summary>
    [LibraryImport(Library, EntryPoint = "zts_node_stop")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NodeStop();

    /// <summary>
    /// 1 when the core's last event was "online"; any other event of the core clears it (docs/protocol/4-libzt-api.md 4.3).
    /// </summary>
    [LibraryImport(Library, EntryPoint = "zts_node_is_online")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NodeIsOnline();

    /// <summary>The primary UDP port.</summary>
    [LibraryImport(Library, EntryPoint = "zts_node_get_port")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NodeGetPort();
}
