using System.Net;
using Kestrel.Transport.ZeroTier;
using Kestrel.Transport.ZeroTier.Configuration;
using Kestrel.Transport.ZeroTier.Listening;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ZeroTier;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>
/// Adds endpoints on ZeroTier networks within <c>ConfigureKestrel</c>, in addition to those on the machine's own addresses, Unix sockets
/// and named pipes.
/// </summary>
/// <remarks>
/// The same endpoints as those of <see cref="ZeroTierOptions"/>, except that a mistake is found when the server binds and not when the
/// options are validated. They are left out where <see cref="ZeroTierNodeOptions.Enabled"/> is false.
/// </remarks>
public static class ZeroTierKestrelServerOptionsExtensions
{
    /// <summary>Serves on a port of every network in <see cref="ZeroTierNodeOptions.Networks"/>.</summary>
    /// <param name="options">The server's options, of a host with <c>UseZeroTier</c>.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <exception cref="InvalidOperationException">The application does not use ZeroTier.</exception>
    public static void ListenZeroTier(this KestrelServerOptions options, int port) =>
        Listen(options, new ListenEntry(null, null, port, null));

    /// <summary>Serves on a port of every network in <see cref="ZeroTierNodeOptions.Networks"/>.</summary>
    /// <param name="options">The server's options, of a host with <c>UseZeroTier</c>.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    /// <exception cref="InvalidOperationException">The application does not use ZeroTier.</exception>
    public static void ListenZeroTier(this KestrelServerOptions options, int port, Action<ListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Listen(options, new ListenEntry(null, null, port, configure));
    }

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="options">The server's options, of a host with <c>UseZeroTier</c>.</param>
    /// <param name="network">The network; it must be in <see cref="ZeroTierNodeOptions.Networks"/> too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <exception cref="InvalidOperationException">The application does not use ZeroTier.</exception>
    public static void ListenZeroTier(this KestrelServerOptions options, NetworkId network, int port) =>
        Listen(options, new ListenEntry(network.ToString(), null, port, null));

    /// <summary>Serves on a port of one network.</summary>
    /// <param name="options">The server's options, of a host with <c>UseZeroTier</c>.</param>
    /// <param name="network">The network; it must be in <see cref="ZeroTierNodeOptions.Networks"/> too.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    /// <exception cref="InvalidOperationException">The application does not use ZeroTier.</exception>
    public static void ListenZeroTier(this KestrelServerOptions options, NetworkId network, int port, Action<ListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Listen(options, new ListenEntry(network.ToString(), null, port, configure));
    }

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="options">The server's options, of a host with <c>UseZeroTier</c>.</param>
    /// <param name="network">The network; it must be in <see cref="ZeroTierNodeOptions.Networks"/> too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <exception cref="InvalidOperationException">The application does not use ZeroTier.</exception>
    public static void ListenZeroTier(this KestrelServerOptions options, NetworkId network, IPAddress address, int port)
    {
        ArgumentNullException.ThrowIfNull(address);
        Listen(options, new ListenEntry(network.ToString(), address, port, null));
    }

    /// <summary>Serves on a port of one of this node's addresses.</summary>
    /// <param name="options">The server's options, of a host with <c>UseZeroTier</c>.</param>
    /// <param name="network">The network; it must be in <see cref="ZeroTierNodeOptions.Networks"/> too.</param>
    /// <param name="address">An address that this node has or will get on that network.</param>
    /// <param name="port">1 to 65535, or 0 for one that is chosen at start.</param>
    /// <param name="configure">Protocols, TLS and connection middleware, as for any Kestrel endpoint. HTTP/3 is refused.</param>
    /// <exception cref="InvalidOperationException">The application does not use ZeroTier.</exception>
    public static void ListenZeroTier(
        this KestrelServerOptions options, NetworkId network, IPAddress address, int port, Action<ListenOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(configure);
        Listen(options, new ListenEntry(network.ToString(), address, port, configure));
    }

    private static void Listen(KestrelServerOptions kestrel, ListenEntry entry)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        if (kestrel.ApplicationServices?.GetService<ListenerRegistry>() is null)
        {
            throw new InvalidOperationException(
                "ListenZeroTier needs a ZeroTier node: call UseZeroTier on the web host, for example builder.WebHost.UseZeroTier(), and "
                + "ListenZeroTier within ConfigureKestrel.");
        }

        if (KestrelEndpoints.Usable(kestrel.ApplicationServices.GetRequiredService<IOptions<ZeroTierOptions>>()) is { } options)
        {
            KestrelEndpoints.Listen(kestrel, options, entry);
        }
    }
}
