using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    /// <summary>The only count that <see cref="AddrGetAll"/> accepts.</summary>
    internal const int MaxAddresses = 16;

    /// <summary>
    /// All addresses of the node on a network. The count must be <see cref="MaxAddresses"/> on entry; the port field of each is its prefix
    /// length.
    /// </summary>
    [LibraryImport(Library, EntryPoint = "zts_addr_get_all")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int AddrGetAll(ulong network, ZtsAddress* addresses, uint* count);
}
