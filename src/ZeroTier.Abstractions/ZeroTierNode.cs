using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ZeroTier.Certificates;
using ZeroTier.Engines;
using ZeroTier.Names;

namespace ZeroTier;

/// <summary>The life of a node.</summary>
/// <remarks>
/// <code>
/// Stopped ── StartAsync ──► Running ── StopAsync ──► Stopped     (again and again)
///                              │
///                              └── collision, failure ──► Failed ── StopAsync ──► Stopped
/// any ── DisposeAsync ──► Disposed
/// </code>
/// </remarks>
public enum ZeroTierNodeState
{
    /// <summary>Not running.</summary>
    Stopped,

    /// <summary>Running, online or not.</summary>
    Running,

    /// <summary>A fatal error ended it; see <see cref="ZeroTierNode.FatalError"/>.</summary>
    Failed,

    /// <summary>Gone for good.</summary>
    Disposed,
}

/// <summary>A ZeroTier node: what every engine can do. Thread-safe.</summary>
/// <remarks>Asynchronous methods throw at the call where an argument is wrong; all other errors are those of the task.</remarks>
public abstract class ZeroTierNode : IAsyncDisposable
{
    private NameResolver? _names;

    /// <summary>The engine's name: <c>managed</c> or <c>libzt</c>.</summary>
    public abstract string Engine { get; }

    /// <summary>The engine's version.</summary>
    public abstract string EngineVersion { get; }

    /// <summary>The node's state.</summary>
    public abstract ZeroTierNodeState State { get; }

    /// <summary>Why the state is <see cref="ZeroTierNodeState.Failed"/>; else null.</summary>
    public abstract ZeroTierException? FatalError { get; }

    /// <summary>
    /// What is wrong although the node runs, with the remedy, for people to read; null when nothing is known to be. At present: another
    /// node runs with this node's identity (seen by the managed engine, where the root is one of ours).
    /// </summary>
    public virtual string? Warning => null;

    /// <summary>The node's own address. Known from the first start on.</summary>
    /// <exception cref="ZeroTierException">The node was never started (<see cref="ZeroTierError.NotRunning"/>).</exception>
    public abstract NodeId Id { get; }

    /// <summary>
    /// True while at least one root answers, or when this node is a root itself. On libzt, whose own word comes seconds late, also while
    /// peers are heard. Direct peers may be reached while it is false.
    /// </summary>
    public abstract bool IsOnline { get; }

    /// <summary>The joined networks, in the order of joining. Stopping keeps them; they are joined again at the next start.</summary>
    public abstract IReadOnlyList<ZeroTierNetwork> Networks { get; }

    /// <summary>The peers in memory, roots first.</summary>
    public abstract IReadOnlyList<ZeroTierPeer> Peers { get; }

    /// <summary>
    /// What a node has proven of itself as a member of a network: its tags and capabilities. Null when it has proven nothing: it is no
    /// member, has shown no valid certificate yet, or the network knows none (ad-hoc networks); and always on libzt, which does not show
    /// credentials. Of this node itself, what it was given.
    /// </summary>
    /// <param name="network">The network; need not be joined.</param>
    /// <param name="member">The node.</param>
    public virtual ZeroTierMembership? GetMembership(NetworkId network, NodeId member) => null;

    /// <summary>Starts the node. Returns when it runs, not when it is online. Does nothing when it already runs.</summary>
    /// <exception cref="ZeroTierException">Storage, identity or the UDP port cannot be used. Nothing is left behind and the call may be
    /// repeated.</exception>
    public abstract Task StartAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until no connection has bytes or a FIN that the peer has not acknowledged, so that a stop after it cuts nothing off.
    /// Does nothing when the node does not run. New connections are still possible: close the listeners first.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public abstract ValueTask DrainAsync(CancellationToken cancellationToken = default);

    /// <summary>Stops the node: listeners close, connections are reset. Does nothing when it does not run.</summary>
    public abstract Task StopAsync(CancellationToken cancellationToken = default);

    /// <summary>Stops and starts again, with the same identity and networks.</summary>
    public abstract Task RestartAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Joins a network. Returns at once; <see cref="WaitForNetworkAsync"/> waits for it. Joining twice does nothing. Allowed before the
    /// start.
    /// </summary>
    public abstract Task JoinAsync(NetworkId network, CancellationToken cancellationToken = default);

    /// <summary>Leaves a network: its listeners close, its connections are reset. Leaving an unknown network does nothing.</summary>
    public abstract Task LeaveAsync(NetworkId network, CancellationToken cancellationToken = default);

    /// <summary>
    /// Changes what this node takes of that which a joined network assigns, at once and until the network is left. Connections of an
    /// address that is not taken any more end. libzt knows no such settings.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="settings">All of its settings from now on.</param>
    /// <param name="cancellationToken">Gives up before anything is changed.</param>
    /// <exception cref="ZeroTierException">The network is not joined, or the engine has no such settings.</exception>
    public virtual Task ConfigureAsync(NetworkId network, ZeroTierNetworkSettings settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Networks.FirstOrDefault(joined => joined.Id == network) switch
        {
            null => Task.FromException(NodeErrors.NotJoined(network)),
            { } known when known.Settings == settings => Task.CompletedTask,
            _ => Task.FromException(new ZeroTierException(
                ZeroTierError.NotSupported,
                $"The {Engine} engine has no settings of single networks. Use the managed engine to change those of network {network}.")),
        };
    }

    /// <summary>Waits until a root answers.</summary>
    /// <exception cref="ZeroTierException">The node is not running, stops, or fails: the wait cannot succeed.</exception>
    public abstract Task WaitForOnlineAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until a joined network can carry traffic.</summary>
    /// <exception cref="ZeroTierException">It cannot: not joined, left, denied, not found, not supported, or the node is not running, stops
    /// or fails.</exception>
    public abstract Task<ZeroTierNetwork> WaitForNetworkAsync(NetworkId network, CancellationToken cancellationToken = default);

    /// <summary>
    /// Opens a subscription to events, of which 256 may wait for this subscriber; then the newest are dropped and counted.
    /// </summary>
    public IZeroTierEventSubscription Subscribe() => Subscribe(256);

    /// <summary>Opens a subscription to events.</summary>
    /// <param name="capacity">Events that may wait for this subscriber, 1 or more; then the newest are dropped and counted.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is lower than 1.</exception>
    public abstract IZeroTierEventSubscription Subscribe(int capacity);

    /// <summary>Listens on a port of a network that can carry traffic, with the default pipes.</summary>
    /// <param name="endPoint">The network and port, 0 for one that is free, and an address for that alone.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable now.</exception>
    public ValueTask<IZeroTierListener> ListenAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default) =>
        ListenAsync(endPoint, ZeroTierConnectionOptions.Default, cancellationToken);

    /// <summary>Listens on a port of a network that can carry traffic.</summary>
    /// <param name="endPoint">The network and port, 0 for one that is free, and an address for that alone.</param>
    /// <param name="options">How the pipes of the accepted connections are built.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable now.</exception>
    public ValueTask<IZeroTierListener> ListenAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(options);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<IZeroTierListener>(cancellationToken)
            : ListenCoreAsync(endPoint, options, cancellationToken);
    }

    /// <summary>Connects to a port on a network that can carry traffic, with the default pipes and time limit.</summary>
    /// <param name="endPoint">The network, address and port.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZeroTierException">Refused, timed out, no route, or the network is not usable now.</exception>
    public ValueTask<ZeroTierConnection> ConnectAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default) =>
        ConnectAsync(endPoint, ZeroTierConnectionOptions.Default, cancellationToken);

    /// <summary>Connects to a port on a network that can carry traffic.</summary>
    /// <param name="endPoint">The network, address and port.</param>
    /// <param name="options">How the connection is made.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZeroTierException">Refused, timed out, no route, or the network is not usable now.</exception>
    public ValueTask<ZeroTierConnection> ConnectAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(options);
        return Tracing.ConnectAsync(endPoint.Network, endPoint.Address, endPoint.Port, () => ConnectAttempt.RunAsync(
            options.ConnectTimeout,
            TimeProvider,
            token => ConnectCoreAsync(endPoint, options, token),
            () => ConnectAttempt.Explain(this, endPoint, options.ConnectTimeout),
            cancellationToken));
    }

    /// <summary>
    /// Connects to a host, as a URL names it, with the default pipes and time limit. Waits for a network that is not ready yet.
    /// </summary>
    /// <param name="host">An address on a joined network, <c>NODE.NETWORK.zt</c>, a name in the search domain of a joined network, or one
    /// that the host's settings give.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZeroTierException">Refused, timed out, no such member, no route, or the network cannot be used.</exception>
    public ValueTask<ZeroTierConnection> ConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        ConnectAsync(host, port, ZeroTierConnectionOptions.Default, cancellationToken);

    /// <summary>Connects to a host, as a URL names it. Waits for a network that is not ready yet.</summary>
    /// <param name="host">An address on a joined network, <c>NODE.NETWORK.zt</c>, a name in the search domain of a joined network, or one
    /// that the host's settings give.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">How the connection is made.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">The port is outside 0 to 65535.</exception>
    /// <exception cref="ZeroTierException">Refused, timed out, no such member, no route, or the network cannot be used.</exception>
    public ValueTask<ZeroTierConnection> ConnectAsync(
        string host, int port, ZeroTierConnectionOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        ArgumentNullException.ThrowIfNull(options);
        string target = ZeroTierName.Expand(this, host);
        return Tracing.ConnectAsync(network: null, host, port, () => ConnectAttempt.RunAsync(
            options.ConnectTimeout,
            TimeProvider,
            token => ConnectCoreAsync(target, port, options, token),
            () => ConnectAttempt.Explain(this, target, port, options.ConnectTimeout),
            cancellationToken));
    }

    /// <summary>
    /// Connects for HTTP, as <see cref="SocketsHttpHandler.ConnectCallback"/>: <c>new SocketsHttpHandler { ConnectCallback =
    /// node.ConnectCallback, UseProxy = false }</c>. The pipes and time limit are the default ones.
    /// </summary>
    /// <param name="context">Where the handler wants to connect to.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZeroTierException">Refused, timed out, no such member, no route, or the network cannot be used.</exception>
    public ValueTask<Stream> ConnectCallback(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return OpenStreamAsync(context.DnsEndPoint, ZeroTierConnectionOptions.Default, cancellationToken);
    }

    /// <summary>
    /// Checks the certificate of a server that this node has called, as
    /// <see cref="SslClientAuthenticationOptions.RemoteCertificateValidationCallback"/>, beside <see cref="ConnectCallback"/>, or for an
    /// <see cref="SslStream"/> whose target host is the host that was called.
    /// </summary>
    /// <remarks>
    /// A certificate of a node (<see cref="ZeroTierCertificate"/>) is accepted if it is that of the node that the host names, by
    /// <c>NODE.NETWORK.zt</c>, an address that follows from the node, or a name of <c>ZeroTier:Hosts</c> that leads to one of these. All
    /// others are left to what the system says of them.
    /// </remarks>
    /// <param name="sender">The <see cref="SslStream"/>.</param>
    /// <param name="certificate">What the server has shown.</param>
    /// <param name="chain">As the system has built it.</param>
    /// <param name="errors">What the system says of it.</param>
    /// <returns>True to go on.</returns>
    /// <exception cref="AuthenticationException">It is not accepted; the message says why, which false could not.</exception>
    public bool ValidateServerCertificate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None || certificate is not X509Certificate2 shown || sender is not SslStream stream)
        {
            return errors == SslPolicyErrors.None;
        }

        string? reason = CertificateCheck.Concerns(shown)
            ? CertificateCheck.WhyNot(this, stream.TargetHostName, shown)
            : $"is not trusted ({string.Join(", ", Problems())})";
        return reason is null ? true : throw new AuthenticationException($"The certificate of {stream.TargetHostName} {reason}.");

        IEnumerable<string> Problems() => (chain?.ChainStatus ?? []).Select(status => status.Status.ToString()).Prepend(errors.ToString());
    }

    /// <summary>Connects for a handler of HTTP requests.</summary>
    internal async ValueTask<Stream> OpenStreamAsync(
        DnsEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken) =>
        new ZeroTierConnectionStream(await ConnectAsync(endPoint.Host, endPoint.Port, options, cancellationToken).ConfigureAwait(false));

    /// <summary>Binds a UDP port of a network that can carry traffic.</summary>
    /// <param name="endPoint">The network and port, 0 for one that is free, and an address for that alone.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable now.</exception>
    public ValueTask<IZeroTierDatagramSocket> BindDatagramAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<IZeroTierDatagramSocket>(cancellationToken)
            : BindDatagramCoreAsync(endPoint, cancellationToken);
    }

    /// <summary>
    /// Told of each round trip to a peer that the engine measures, in the middle of its work: must be quick and must not throw. libzt tells
    /// of none.
    /// </summary>
    internal Action<TimeSpan>? RoundTripMeasured { get; set; }

    /// <summary>The clock of time limits. Default: that of the system.</summary>
    protected virtual TimeProvider TimeProvider => TimeProvider.System;

    /// <summary>
    /// An address that a member is known to have on a network, from what it has shown of itself or from earlier packets; null for none.
    /// </summary>
    internal virtual IPAddress? FindAddress(NodeId member, NetworkId network) => null;

    /// <summary>The clock, for what belongs to this assembly.</summary>
    internal TimeProvider Clock => TimeProvider;

    /// <summary>
    /// Signs with the node's identity that a TLS key is its own. The engine says in the signed bytes what they are, so that the signature
    /// is good for nothing else. Null when it has no access to the identity.
    /// </summary>
    /// <exception cref="ZeroTierException">The node does not run.</exception>
    internal virtual TlsKeyProof? ProveTlsKey(TlsKeyStatement statement) => null;

    /// <summary>
    /// Whether a node has signed a statement: by the identity that the engine has authenticated it with. False for a node that is not
    /// known, and where the engine cannot tell.
    /// </summary>
    internal virtual bool IsProofOf(NodeId node, TlsKeyStatement statement, TlsKeyProof proof) => false;
    /// <summary>
    /// Asks a member which address it has on a network, where <see cref="FindAddress"/> knows none, and waits for the answer, for seconds
    /// at most.
    /// </summary>
    internal virtual ValueTask AskForAddressAsync(NodeId member, NetworkId network, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>What a name stands for that the application has given to a host: an address or a member's name; null for none.</summary>
    internal virtual string? FindHost(string name) => null;

    /// <summary>The names of hosts on this node's networks.</summary>
    internal NameResolver Names => LazyInitializer.EnsureInitialized(ref _names, () => new NameResolver(this, NameResolverOptions));

    /// <summary>Clock, randomness and scheduler of <see cref="Names"/>.</summary>
    internal virtual NameResolverOptions NameResolverOptions => new();

    /// <summary>The node's counters.</summary>
    public abstract ZeroTierStatistics GetStatistics();

    /// <summary>Stops the node for good. Never throws. Idempotent.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>
    /// What <see cref="ListenAsync(ZeroTierEndPoint, ZeroTierConnectionOptions, CancellationToken)"/> does once its arguments are checked.
    /// </summary>
    /// <param name="endPoint">Where to listen.</param>
    /// <param name="options">How the pipes of the accepted connections are built.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<IZeroTierListener> ListenCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken);

    /// <summary>
    /// What <see cref="ConnectAsync(ZeroTierEndPoint, ZeroTierConnectionOptions, CancellationToken)"/> does once its arguments are checked.
    /// </summary>
    /// <param name="endPoint">Where to connect to.</param>
    /// <param name="options">How the connection's pipes are built.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<ZeroTierConnection> ConnectCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken);

    /// <summary>
    /// What <see cref="ConnectAsync(string, int, ZeroTierConnectionOptions, CancellationToken)"/> does once its arguments are checked.
    /// </summary>
    /// <param name="host">An address on a joined network, <c>NODE.NETWORK.zt</c>, or a name in the search domain of a joined
    /// network.</param>
    /// <param name="port">0 to 65535.</param>
    /// <param name="options">How the connection is made.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected virtual async ValueTask<ZeroTierConnection> ConnectCoreAsync(
        string host, int port, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        var endPoints = await ConnectAttempt.ResolveAsync(this, host, port, cancellationToken).ConfigureAwait(false);
        foreach (var endPoint in endPoints.SkipLast(1))
        {
            try
            {
                // A share of the limit, so that one address that is silent leaves time for the others.
                var share = options.ConnectTimeout == Timeout.InfiniteTimeSpan
                    ? Timeout.InfiniteTimeSpan
                    : options.ConnectTimeout / endPoints.Count;
                return await ConnectAsync(endPoint, options with { ConnectTimeout = share }, cancellationToken).ConfigureAwait(false);
            }
            catch (ZeroTierException)
            {
                // The next address.
            }
        }

        return await ConnectCoreAsync(endPoints[^1], options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What <see cref="BindDatagramAsync"/> does once its arguments are checked.</summary>
    /// <param name="endPoint">What to bind.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<IZeroTierDatagramSocket> BindDatagramCoreAsync(
        ZeroTierEndPoint endPoint, CancellationToken cancellationToken);
}
