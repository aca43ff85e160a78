using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    /// <summary>The only length that the identity calls accept (docs/protocol/4-libzt-api.md 4.1).</summary>
    internal const uint IdentityLength = 384;

    /// <summary>The result of <see cref="NodeGetId"/> while no node runs.</summary>
    internal const ulong NoNode = 0xffff_ffff_ffff_fffe;

    /// <summary>
    /// 1 when the null-terminated text in a buffer of <see cref="IdentityLength"/> bytes is an identity with its private key.
    /// </summary>
    [LibraryImport(Library, EntryPoint = "zts_id_pair_is_valid")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int IdPairIsValid(byte* key, uint length);

    /// <summary>The node's address; 0 while the core is being created, <see cref="NoNode"/> while no node runs.</summary>
    [LibraryImport(Library, EntryPoint = "zts_node_get_id")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial ulong NodeGetId();

    /// <summary>
    /// Writes the running node's identity with its private key as null-terminated text; the length must be <see cref="IdentityLength"/>.
    /// </summary>
    [LibraryImport(Library, EntryPoint = "zts_node_get_id_pair")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int NodeGetIdPair(byte* key, uint* length);
}
