using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ZeroTier.Certificates;
using ZeroTier.Engines;
using ZeroTier.Names;

namespace ZeroTier;

/// <summary>The states of a node.</summary>
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

    /// <summary>Disposed; cannot be started again.</summary>
    Disposed,
}

/// <summary>A ZeroTier node, implemented by each engine. Thread-safe.</summary>
/// <remarks>
/// Asynchronous methods throw synchronously when an argument is invalid; all other errors are reported by the returned task.
/// </remarks>
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
    /// A problem of the running node, with the remedy, as text for people; null when none is known. At present the only one: another node
    /// runs with this node's identity (detected by the managed engine, if the root is one of this project).
    /// </summary>
    public virtual string? Warning => null;

    /// <summary>The node's own address. Available after the first start.</summary>
    /// <exception cref="ZeroTierException">The node was never started (<see cref="ZeroTierError.NotRunning"/>).</exception>
    public abstract NodeId Id { get; }

    /// <summary>
    /// True while at least one root answers, or when this node is a root itself. On libzt, which reports the change seconds late, also
    /// while packets from peers arrive. Peers with a direct path may be reachable while it is false.
    /// </summary>
    public abstract bool IsOnline { get; }

    /// <summary>The joined networks, in the order of joining. Stopping keeps them; they are joined again at the next start.</summary>
    public abstract IReadOnlyList<ZeroTierNetwork> Networks { get; }

    /// <summary>The peers that the node currently keeps in memory, roots first.</summary>
    public abstract IReadOnlyList<ZeroTierPeer> Peers { get; }

    /// <summary>
    /// What a node has proven about itself as a member of a network: its tags and capabilities. Null when it has proven nothing (it is not
    /// a member, has not yet sent a valid certificate of membership, or the network has none, as ad-hoc networks), and always on libzt,
    /// which does not expose credentials. For this node itself, the credentials that it was issued.
    /// </summary>
    /// <param name="network">The network; need not be joined.</param>
    /// <param name="member">The node.</param>
    public virtual ZeroTierMembership? GetMembership(NetworkId network, NodeId member) => null;

    /// <summary>Starts the node. Returns when it runs, not when it is online. Does nothing when it already runs.</summary>
    /// <exception cref="ZeroTierException">Storage, identity or the UDP port cannot be used. Everything is released and the call may be
    /// repeated.</exception>
    public abstract Task StartAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until no connection has bytes or a FIN that the peer has not acknowledged, so that stopping the node afterwards loses no data.
    /// Does nothing when the node is not running. New connections are still accepted: close the listeners first.
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
    /// Changes which of the addresses, routes and name servers assigned by a joined network this node uses, immediately and until it leaves
    /// the network. Connections on an address that is no longer used are closed. Not supported by libzt.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="settings">The new settings; they replace all previous ones.</param>
    /// <param name="cancellationToken">Cancels the operation before anything is changed.</param>
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

    /// <summary>Opens a subscription to events with a queue of 256; events that arrive while it is full are dropped and counted.</summary>
    public IZeroTierEventSubscription Subscribe() => Subscribe(256);

    /// <summary>Opens a subscription to events.</summary>
    /// <param name="capacity">The length of this subscriber's queue, 1 or more; events that arrive while it is full are dropped and
    /// counted.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is lower than 1.</exception>
    public abstract IZeroTierEventSubscription Subscribe(int capacity);

    /// <summary>Listens on a port of a network that can carry traffic, with the default pipes.</summary>
    /// <param name="endPoint">The network, the port (0 for any free one) and optionally a single address.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable at present.</exception>
    public ValueTask<IZeroTierListener> ListenAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default) =>
        ListenAsync(endPoint, ZeroTierConnectionOptions.Default, cancellationToken);

    /// <summary>Listens on a port of a network that can carry traffic.</summary>
    /// <param name="endPoint">The network, the port (0 for any free one) and optionally a single address.</param>
    /// <param name="options">The options of the accepted connections.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable at present.</exception>
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
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">Refused, timed out, no route, or the network is not usable at present.</exception>
    public ValueTask<ZeroTierConnection> ConnectAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default) =>
        ConnectAsync(endPoint, ZeroTierConnectionOptions.Default, cancellationToken);

    /// <summary>Connects to a port on a network that can carry traffic.</summary>
    /// <param name="endPoint">The network, address and port.</param>
    /// <param name="options">The options of the connection.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">Refused, timed out, no route, or the network is not usable at present.</exception>
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
    /// Connects to a host, given as in a URL, with the default pipes and time limit. Waits for a network that is not ready yet.
    /// </summary>
    /// <param name="host">An address on a joined network, <c>NODE.NETWORK.zt</c>, a name in the search domain of a joined network, or a
    /// name of <c>ZeroTier:Hosts</c>.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">Refused, timed out, no such member, no route, or the network cannot be used.</exception>
    public ValueTask<ZeroTierConnection> ConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        ConnectAsync(host, port, ZeroTierConnectionOptions.Default, cancellationToken);

    /// <summary>Connects to a host, given as in a URL. Waits for a network that is not ready yet.</summary>
    /// <param name="host">An address on a joined network, <c>NODE.NETWORK.zt</c>, a name in the search domain of a joined network, or a
    /// name of <c>ZeroTier:Hosts</c>.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">The options of the connection.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ArgumentOutOfRangeException">The port is outside 1 to 65535.</exception>
    /// <exception cref="ZeroTierException">Refused, timed out, no such member, no route, or the network cannot be used.</exception>
    public ValueTask<ZeroTierConnection> ConnectAsync(
        string host, int port, ZeroTierConnectionOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(port);
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
    /// Opens connections for an HTTP handler; for use as <see cref="SocketsHttpHandler.ConnectCallback"/>: <c>new SocketsHttpHandler {
    /// ConnectCallback = node.ConnectCallback, UseProxy = false }</c>. The pipes and time limit are the default ones.
    /// </summary>
    /// <param name="context">The destination of the handler.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">Refused, timed out, no such member, no route, or the network cannot be used.</exception>
    public ValueTask<Stream> ConnectCallback(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return OpenStreamAsync(context.DnsEndPoint, ZeroTierConnectionOptions.Default, cancellationToken);
    }

    /// <summary>
    /// Validates the certificate of a server that this node connected to. For use as
    /// <see cref="SslClientAuthenticationOptions.RemoteCertificateValidationCallback"/> together with <see cref="ConnectCallback"/>, or
    /// with an <see cref="SslStream"/> whose target host is the host that was connected to.
    /// </summary>
    /// <remarks>
    /// A node certificate (<see cref="ZeroTierCertificate"/>) is accepted if it belongs to the node that the host identifies: by
    /// <c>NODE.NETWORK.zt</c>, by an address derived from the node's ID, or by a name of <c>ZeroTier:Hosts</c> that stands for one of
    /// these. For all other certificates the system's validation decides.
    /// </remarks>
    /// <param name="sender">The <see cref="SslStream"/>.</param>
    /// <param name="certificate">The server's certificate.</param>
    /// <param name="chain">The chain that the system has built.</param>
    /// <param name="errors">The result of the system's validation.</param>
    /// <returns>True when the certificate is accepted.</returns>
    /// <exception cref="AuthenticationException">The certificate is not accepted; thrown instead of returning false, so that the message
    /// can give the reason.</exception>
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

    /// <summary>Opens a connection for an HTTP handler.</summary>
    internal async ValueTask<Stream> OpenStreamAsync(
        DnsEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken) =>
        new ZeroTierConnectionStream(await ConnectAsync(endPoint.Host, endPoint.Port, options, cancellationToken).ConfigureAwait(false));

    /// <summary>Binds a UDP port of a network that can carry traffic.</summary>
    /// <param name="endPoint">The network, the port (0 for any free one) and optionally a single address.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">The port is taken, or the network is not usable at present.</exception>
    public ValueTask<IZeroTierDatagramSocket> BindDatagramAsync(ZeroTierEndPoint endPoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<IZeroTierDatagramSocket>(cancellationToken)
            : BindDatagramCoreAsync(endPoint, cancellationToken);
    }

    /// <summary>
    /// Called for each round-trip time to a peer that the engine measures, on engine threads: must return quickly and must not throw. Never
    /// called by libzt.
    /// </summary>
    internal Action<TimeSpan>? RoundTripMeasured { get; set; }

    /// <summary>The clock for time limits. Default: the system's.</summary>
    protected virtual TimeProvider TimeProvider => TimeProvider.System;

    /// <summary>
    /// An address that a member is known to have on a network, learned from its credentials or from earlier packets; null when none is
    /// known.
    /// </summary>
    internal virtual IPAddress? FindAddress(NodeId member, NetworkId network) => null;

    /// <summary><see cref="TimeProvider"/>, for other types of this assembly.</summary>
    internal TimeProvider Clock => TimeProvider;

    /// <summary>
    /// Signs, with the node's identity, that a TLS key belongs to this node. The signed bytes include a prefix for this purpose (domain
    /// separation), so that the signature cannot be used for anything else. Null when the engine has no access to the identity's private
    /// key.
    /// </summary>
    /// <exception cref="ZeroTierException">The node does not run.</exception>
    internal virtual TlsKeyProof? ProveTlsKey(TlsKeyStatement statement) => null;

    /// <summary>
    /// Whether a node has signed a statement with the identity by which the engine has authenticated it. False for an unknown node, and on
    /// engines that cannot verify this.
    /// </summary>
    internal virtual bool IsProofOf(NodeId node, TlsKeyStatement statement, TlsKeyProof proof) => false;
    /// <summary>
    /// Asks a member for its address on a network, when <see cref="FindAddress"/> knows none. Waits a few seconds at most for the answer.
    /// </summary>
    internal virtual ValueTask AskForAddressAsync(NodeId member, NetworkId network, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>The address or member name that a name of <c>ZeroTier:Hosts</c> stands for; null for other names.</summary>
    internal virtual string? FindHost(string name) => null;

    /// <summary>Resolves names in the search domains of this node's networks.</summary>
    internal NameResolver Names => LazyInitializer.EnsureInitialized(ref _names, () => new NameResolver(this, NameResolverOptions));

    /// <summary>Clock, randomness and scheduler of <see cref="Names"/>.</summary>
    internal virtual NameResolverOptions NameResolverOptions => new();

    /// <summary>The node's counters.</summary>
    public abstract ZeroTierStatistics GetStatistics();

    /// <summary>Stops the node for good. Never throws. Idempotent.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>
    /// Implements <see cref="ListenAsync(ZeroTierEndPoint, ZeroTierConnectionOptions, CancellationToken)"/>; the arguments are validated.
    /// </summary>
    /// <param name="endPoint">Where to listen.</param>
    /// <param name="options">The options of the accepted connections.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    protected abstract ValueTask<IZeroTierListener> ListenCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken);

    /// <summary>
    /// Implements <see cref="ConnectAsync(ZeroTierEndPoint, ZeroTierConnectionOptions, CancellationToken)"/>; the arguments are validated.
    /// </summary>
    /// <param name="endPoint">Where to connect to.</param>
    /// <param name="options">The options of the connection.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    protected abstract ValueTask<ZeroTierConnection> ConnectCoreAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken);

    /// <summary>
    /// Implements <see cref="ConnectAsync(string, int, ZeroTierConnectionOptions, CancellationToken)"/>; the arguments are validated.
    /// </summary>
    /// <param name="host">An address on a joined network, <c>NODE.NETWORK.zt</c>, or a name in the search domain of a joined
    /// network.</param>
    /// <param name="port">0 to 65535.</param>
    /// <param name="options">The options of the connection.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    protected virtual async ValueTask<ZeroTierConnection> ConnectCoreAsync(
        string host, int port, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        var endPoints = await ConnectAttempt.ResolveAsync(this, host, port, cancellationToken).ConfigureAwait(false);
        foreach (var endPoint in endPoints.SkipLast(1))
        {
            try
            {
                // Each address gets an equal share of the limit, so that one that does not answer leaves time for the others.
                var share = options.ConnectTimeout == Timeout.InfiniteTimeSpan
                    ? Timeout.InfiniteTimeSpan
                    : options.ConnectTimeout / endPoints.Count;
                return await ConnectAsync(endPoint, options with { ConnectTimeout = share }, cancellationToken).ConfigureAwait(false);
            }
            catch (ZeroTierException)
            {
                // Try the next address.
            }
        }

        return await ConnectCoreAsync(endPoints[^1], options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Implements <see cref="BindDatagramAsync"/>; the arguments are validated.</summary>
    /// <param name="endPoint">What to bind.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    protected abstract ValueTask<IZeroTierDatagramSocket> BindDatagramCoreAsync(
        ZeroTierEndPoint endPoint, CancellationToken cancellationToken);
}
