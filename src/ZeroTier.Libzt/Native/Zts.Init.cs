using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    /// <summary>The storage folder; libzt creates it at the start.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_from_storage")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitFromStorage(byte* path);

    /// <summary>
    /// An identity as null-terminated text of at most <see cref="IdentityLength"/> bytes. An invalid one is silently replaced by a new one:
    /// check it with <see cref="IdPairIsValid"/> before.
    /// </summary>
    [LibraryImport(Library, EntryPoint = "zts_init_from_memory")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitFromMemory(byte* key, uint length);

    /// <summary>The event callback; kept until the process ends.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_set_event_handler")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitSetEventHandler(delegate* unmanaged[Cdecl]<EventMessage*, void> callback);

    /// <summary>The TCP relay to use, as text.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_set_tcp_relay")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitSetTcpRelay(byte* address, ushort port);

    /// <summary>Whether a TCP relay may be used.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_allow_tcp_relay")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitAllowTcpRelay(int allowed);

    /// <summary>Whether only the TCP relay is used.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_force_tcp_relay")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitForceTcpRelay(int forced);

    /// <summary>Excludes network interfaces of the machine by a prefix of their names; 1 to 15 bytes, null-terminated.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_blacklist_if")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitBlacklistInterface(byte* prefix, uint length);

    /// <summary>The planet, 1 to 4096 bytes.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_set_roots")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitSetRoots(byte* planet, uint length);

    /// <summary>The UDP port; 0 lets libzt choose.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_set_port")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitSetPort(ushort port);

    /// <summary>The range from which libzt chooses ports.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_set_random_port_range")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitSetRandomPortRange(ushort first, ushort last);

    /// <summary>Whether a second UDP port is opened.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_allow_secondary_port")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitAllowSecondaryPort(uint allowed);

    /// <summary>Whether UPnP and NAT-PMP are used.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_allow_port_mapping")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitAllowPortMapping(uint allowed);

    /// <summary>Whether joined networks are stored.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_allow_net_cache")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitAllowNetworkCache(uint allowed);

    /// <summary>Whether peers are stored.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_allow_peer_cache")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitAllowPeerCache(uint allowed);

    /// <summary>Whether the planet is stored.</summary>
    [LibraryImport(Library, EntryPoint = "zts_init_allow_roots_cache")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int InitAllowRootsCache(uint allowed);
}
