using System.Net.Security;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli;

/// <summary>A node that runs for the duration of one command, on the network selected by the options.</summary>
internal sealed class NodeSession : IAsyncDisposable
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(30);

    // Running roots answer within this time; after it, a peer known from an earlier run is enough.
    private static readonly TimeSpan RootPatience = TimeSpan.FromSeconds(1);

    private readonly Stack<IAsyncDisposable> _opened;

    private NodeSession(ManagedNode node, Stack<IAsyncDisposable> opened)
    {
        Node = node;
        _opened = opened;
    }

    /// <summary>The node; its network is ready.</summary>
    public ManagedNode Node { get; }

    /// <summary>Starts a node and waits until its network carries traffic.</summary>
    public static async Task<NodeSession> OpenAsync(NodeOptions options, CancellationToken cancellationToken)
    {
        var opened = new Stack<IAsyncDisposable>();
        try
        {
            var node = new ManagedNode(options.Planet is null && !options.IsJoinedFolder
                ? await DevelopmentOptionsAsync(options, opened, cancellationToken)
                : new ManagedNodeOptions
                {
                    Planet = options.Planet is { } planet ? Planet.Load(planet.FullName) : null,
                    StoragePath = options.Home,
                    Port = options.Port,
                    Networks = options.Network is { } network ? [NetworkId.Parse(network)] : [],
                    TcpRelay = options.TcpRelay,
                    CapturePath = options.Capture,
                });
            opened.Push(node);
            using var events = node.Subscribe();
            await node.StartAsync(cancellationToken);
            await WaitUntilReachableAsync(node, events, cancellationToken);
            if (node.Networks.Count == 0)
            {
                throw new ZeroTierException(
                    ZeroTierError.NetworkNotJoined,
                    $"{options.Home} has joined no network. Join one with: zt join NETWORK --home {options.Home}");
            }

            await (options.Network is { } wanted
                ? NetworkWait.UntilReadyAsync(node, NetworkId.Parse(wanted), cancellationToken)
                : NetworkWait.UntilUsableAsync(node, cancellationToken));
            return new NodeSession(node, opened);
        }
        catch
        {
            await CloseAsync(opened);
            throw;
        }
    }

    /// <summary>
    /// Resolves a text such as <c>[fc..]:8080</c> or <c>nas.corp.example:80</c> on this node's networks, the best endpoint first.
    /// </summary>
    public ValueTask<IReadOnlyList<ZeroTierEndPoint>> ResolveAsync(string authority, CancellationToken cancellationToken) =>
        ZeroTierName.ResolveAuthorityAsync(Node, authority, cancellationToken);

    /// <summary>Creates an HTTP handler for the network.</summary>
    public HttpMessageHandler CreateHttpHandler(bool acceptAnyCertificate, TimeSpan connectTimeout)
    {
        var handler = new ZeroTierHttpHandler(Node, ZeroTierConnectionOptions.Default with { ConnectTimeout = connectTimeout });
        if (acceptAnyCertificate)
        {
            handler.SocketsHandler.SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            };
        }

        return handler;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => CloseAsync(_opened);

    private static async Task<ManagedNodeOptions> DevelopmentOptionsAsync(
        NodeOptions options, Stack<IAsyncDisposable> opened, CancellationToken cancellationToken)
    {
        var development = await DevelopmentNetwork.OpenAsync(cancellationToken: cancellationToken);
        opened.Push(development);
        string storagePath;
        if (options.Home is { } home)
        {
            storagePath = home;
        }
        else
        {
            var claim = development.ClaimStorage("zt");
            opened.Push(new Release(claim));
            storagePath = claim.Path;
        }

        return development.Configure(new ManagedNodeOptions
        {
            StoragePath = storagePath,
            Port = options.Port,
            Networks = options.Network is null ? [] : [NetworkId.Parse(options.Network)],
            CapturePath = options.Capture,
        });
    }

    private static async Task WaitUntilReachableAsync(
        ManagedNode node, IZeroTierEventSubscription events, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(ReadyTimeout);
        try
        {
            var online = node.WaitForOnlineAsync(timeout.Token);
            await Task.WhenAny(online, Task.Delay(RootPatience, TimeProvider.System, timeout.Token));
            var peer = online.IsCompleted ? online : PeerAsync(node, events, timeout.Token);
            await await Task.WhenAny(online, peer);
            if (!online.IsCompleted)
            {
                Status.Info("No root answers. Nodes known from earlier runs are reached directly, others cannot be found.");
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ZeroTierException(
                ZeroTierError.TimedOut,
                $"No root of the planet answered within {ReadyTimeout.TotalSeconds:0} s. Check that a root runs and that its UDP endpoint "
                + "can be reached from here: zt planet show FILE");
        }
    }

    // Waits for a peer with a direct path, which needs no root, until cancelled.
    private static async Task PeerAsync(ManagedNode node, IZeroTierEventSubscription events, CancellationToken cancellationToken)
    {
        await foreach (var _ in events.ReadAllAsync(cancellationToken))
        {
            if (node.Peers.Any(peer => peer is { Role: ZeroTierPeerRole.Leaf, IsDirect: true }))
            {
                return;
            }
        }
    }

    private static async ValueTask CloseAsync(Stack<IAsyncDisposable> opened)
    {
        while (opened.TryPop(out var disposable))
        {
            await disposable.DisposeAsync();
        }
    }

    /// <summary>Adapts an IDisposable to IAsyncDisposable.</summary>
    private sealed class Release(IDisposable disposable) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            disposable.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
