using System.Text;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// Passes a node's options to libzt: all of them at every start, because libzt resets them at a stop (docs/protocol/4-libzt-api.md 4.2).
/// </summary>
internal static unsafe class NativeSettings
{
    /// <summary>Calls every init function.</summary>
    /// <exception cref="ZeroTierException">libzt refused one.</exception>
    public static void Apply(LibztNodeOptions options, NodeFolder? folder, IdentityText? identity, ReadOnlySpan<byte> planet)
    {
        if (folder is { Identity: null })
        {
            Text(folder.Path, nameof(options.StoragePath), static (text, _) => Zts.InitFromStorage(text));
        }
        else
        {
            // Clears the path that an earlier, failed attempt to start may have set.
            Require(Zts.InitFromStorage(null), nameof(options.StoragePath));
            if ((folder?.Identity ?? identity) is { } known)
            {
                Require(known.Use(), nameof(options.Identity));
            }
        }

        if (planet.Length > 0)
        {
            fixed (byte* bytes = planet)
            {
                Require(Zts.InitSetRoots(bytes, (uint)planet.Length), "planet");
            }
        }

        Require(Zts.InitSetPort((ushort)options.Port), nameof(options.Port));
        if (options.FirstRandomPort > 0)
        {
            Require(
                Zts.InitSetRandomPortRange((ushort)options.FirstRandomPort, (ushort)options.LastRandomPort),
                nameof(options.FirstRandomPort));
        }

        Require(Zts.InitAllowSecondaryPort(Flag(options.AllowSecondaryPort)), nameof(options.AllowSecondaryPort));
        Require(Zts.InitAllowPortMapping(Flag(options.AllowPortMapping)), nameof(options.AllowPortMapping));
        Require(Zts.InitAllowNetworkCache(Flag(options.PersistNetworks)), nameof(options.PersistNetworks));
        Require(Zts.InitAllowPeerCache(Flag(options.PersistPeers)), nameof(options.PersistPeers));

        // When a planet is given, the cache must not be written: a later node without one would use its content as the public roots.
        Require(Zts.InitAllowRootsCache(Flag(options.PersistRoots && planet.Length == 0)), nameof(options.PersistRoots));
        ApplyRelay(options, publicRoots: planet.Length == 0);
        foreach (string prefix in options.ExcludedInterfaces)
        {
            Text(prefix, nameof(options.ExcludedInterfaces), static (text, length) => Zts.InitBlacklistInterface(text, length));
        }
    }

    private static void ApplyRelay(LibztNodeOptions options, bool publicRoots)
    {
        if (options.TcpRelay is { } relay)
        {
            Text(relay.Address.ToString(), nameof(options.TcpRelay), (text, _) => Zts.InitSetTcpRelay(text, (ushort)relay.Port));
        }

        bool allowed = options.AllowTcpRelay ?? (publicRoots || options.ForceTcpRelay || options.TcpRelay is not null);
        Require(Zts.InitAllowTcpRelay(allowed ? 1 : 0), nameof(options.AllowTcpRelay));
        Require(Zts.InitForceTcpRelay(options.ForceTcpRelay ? 1 : 0), nameof(options.ForceTcpRelay));
    }

    private static uint Flag(bool value) => value ? 1u : 0u;

    private static void Text(string text, string what, TextCall call)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        int length = Encoding.UTF8.GetBytes(text, bytes);
        fixed (byte* start = bytes)
        {
            Require(call(start, (uint)length), what);
        }
    }

    private static void Require(int result, string what)
    {
        if (result != Zts.Ok)
        {
            throw new ZeroTierException(
                ZeroTierError.Underlay,
                result == Zts.ServiceError
                    ? $"libzt did not take the setting '{what}', because a node runs in this process that this engine did not start. Use "
                        + "libzt from one place only."
                    : $"libzt did not take the setting '{what}' (libzt result {result}).");
        }
    }

    private delegate int TextCall(byte* text, uint length);
}
