using System.Net;

namespace ZeroTier;

/// <summary>
/// Sends HTTP requests over the networks of a node: for <see cref="HttpClient"/>, gRPC and SignalR clients. Hosts are addresses on a joined
/// network, <c>NODE.NETWORK.zt</c>, or names in the search domain of a joined network (<see cref="ZeroTierName"/>). Thread-safe, pools
/// connections, meant to be shared and kept. For https it accepts, in addition to certificates that the system trusts, the node
/// certificates of the nodes that are called (<see cref="ZeroTierNode.ValidateServerCertificate"/>).
/// </summary>
public sealed class ZeroTierHttpHandler : DelegatingHandler
{
    /// <summary>Creates a handler on a node, which it does not dispose, with the default pipes and time limit.</summary>
    /// <param name="node">The node to connect with.</param>
    public ZeroTierHttpHandler(ZeroTierNode node)
        : this(node, ZeroTierConnectionOptions.Default)
    {
    }

    /// <summary>Creates a handler on a node, which it does not dispose.</summary>
    /// <param name="node">The node to connect with.</param>
    /// <param name="options">The connections' pipes and the time limit of connecting.</param>
    public ZeroTierHttpHandler(ZeroTierNode node, ZeroTierConnectionOptions options)
        : base(CreateSocketsHandler(node, options))
    {
    }

    /// <summary>
    /// The handler underneath, for limits, pooling and TLS. Do not replace its <see cref="SocketsHttpHandler.ConnectCallback"/>; proxies
    /// are disabled.
    /// </summary>
    public SocketsHttpHandler SocketsHandler => (SocketsHttpHandler)InnerHandler!;

    private static SocketsHttpHandler CreateSocketsHandler(ZeroTierNode node, ZeroTierConnectionOptions options)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(options);
        return new SocketsHttpHandler
        {
            // A request for the private network must never leave through a proxy of the host.
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            EnableMultipleHttp2Connections = true,

            // Leaves as long again, and ten seconds at least, for the TLS handshake: ConnectCallback enforces the limit itself, with the
            // reason in its error, which this one must not forestall on a busy machine.
            ConnectTimeout = options.ConnectTimeout == Timeout.InfiniteTimeSpan
                ? Timeout.InfiniteTimeSpan
                : options.ConnectTimeout + Max(options.ConnectTimeout, TimeSpan.FromSeconds(10)),
            SslOptions = { RemoteCertificateValidationCallback = node.ValidateServerCertificate },
            ConnectCallback = (context, cancellationToken) => node.OpenStreamAsync(context.DnsEndPoint, options, cancellationToken),
        };
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
