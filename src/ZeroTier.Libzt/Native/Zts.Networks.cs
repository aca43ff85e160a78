using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    /// <summary>The only length that <see cref="NetGetName"/> accepts.</summary>
    internal const uint NetworkNameLength = 127;

    /// <summary>Joins a network. Crashes if called before <see cref="NodeGetId"/> returns an address.</summary>
    [LibraryImport(Library, EntryPoint = "zts_net_join")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NetJoin(ulong network);

    /// <summary>Leaves a network. Crashes if called before <see cref="NodeGetId"/> returns an address.</summary>
    [LibraryImport(Library, EntryPoint = "zts_net_leave")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NetLeave(ulong network);

    /// <summary>The state, with the values of <see cref="ZeroTierNetworkStatus"/>; negative when not joined.</summary>
    [LibraryImport(Library, EntryPoint = "zts_net_get_status")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NetGetStatus(ulong network);

    /// <summary>0 private, 1 public; negative when not joined.</summary>
    [LibraryImport(Library, EntryPoint = "zts_net_get_type")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NetGetType(ulong network);

    /// <summary>The MTU; negative when not joined.</summary>
    [LibraryImport(Library, EntryPoint = "zts_net_get_mtu")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NetGetMtu(ulong network);

    /// <summary>The MAC address, or a negative result as an unsigned number.</summary>
    [LibraryImport(Library, EntryPoint = "zts_net_get_mac")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial ulong NetGetMac(ulong network);

    /// <summary>The name; available only while the node is online. The length must be exactly <see cref="NetworkNameLength"/>.</summary>
    [LibraryImport(Library, EntryPoint = "zts_net_get_name")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NetGetName(ulong network, byte* name, uint length);
}
