using System.Collections.Immutable;
using System.Net;
using ZeroTier.Engines;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Rules;
using SocketException = System.Net.Sockets.SocketException;

namespace ZeroTier.Managed.Node;

/// <summary>A joined network of a running node, as the public API presents it. Thread-safe.</summary>
internal sealed class JoinedNetwork : IJoinedNetwork
{
    private static readonly TimeSpan AddressPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AddressInterval = TimeSpan.FromMilliseconds(50);

    private readonly NodeSession _session;
    private volatile ZeroTierNetwork _snapshot;

    public JoinedNetwork(NodeSession session, Network network)
    {
        _session = session;
        Network = network;
        _snapshot = Describe(network.State);
    }

    public NetworkId Id => Network.Id;

    public ZeroTierNetwork Snapshot => _snapshot;

    public Network Network { get; }

    public IpStack.IpStack Stack => Network.Stack;

    /// <summary>
    /// The status last announced by an event. Guarded by the session's lock. As in libzt it begins with "requesting", so that this status
    /// is not announced after joining.
    /// </summary>
    public ZeroTierNetworkStatus Announced { get; set; } = ZeroTierNetworkStatus.RequestingConfiguration;

    /// <summary>
    /// Why this network can never become ready; null while it may, or is. A refusal by a controller is not final: it may authorise the node
    /// at any time.
    /// </summary>
    public ZeroTierException? Failure =>
        Snapshot.Status is ZeroTierNetworkStatus.Ok or ZeroTierNetworkStatus.RequestingConfiguration
            || (!Id.IsAdHoc && Snapshot.Status != ZeroTierNetworkStatus.NotSupported)
            ? null
            : Unavailable();

    /// <summary>The node that has an Ethernet address, which VL1 has authenticated.</summary>
    public NodeId? NodeOf(MacAddress mac) => Network.Port.Addressing.TryGetNode(mac, out var node) ? node : null;

    /// <summary>An IP address of a member, from its certificate of ownership, else from the neighbour cache; null if unknown.</summary>
    public IPAddress? FindAddress(NodeId member) => member != _session.Id ? Network.FindAddress(member)?.ToIPAddress()
        : Snapshot.Addresses.Count > 0 ? Snapshot.Addresses[0].Address : null;

    /// <summary>Asks a member for its credentials until an address of it is known, for a limited time: non-members never answer.</summary>
    public async ValueTask AskForAddressAsync(NodeId member, TimeProvider time, CancellationToken cancellationToken)
    {
        // Polls, since the address may be learnt from a certificate or from any other packet: there is no single event to wait for.
        long start = time.GetTimestamp();
        while (FindAddress(member) is null && time.GetElapsedTime(start) < AddressPatience)
        {
            Network.Port.AskForCredentials(member);
            await Task.Delay(AddressInterval, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Updates the snapshot to a new state of the network.</summary>
    public void Update(NetworkState state) => _snapshot = Describe(state);

    public ZeroTierPeer? FindPeer(NodeId node) => _session.FindPeer(node);

    public IZeroTierListener Listen(ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options)
    {
        var stack = Usable();
        var address = OwnAddress(endPoint);
        if (endPoint.Port != 0 && !OpenPorts.Contains(endPoint.Port))
        {
            throw ClosedPort(endPoint.Port);
        }

        var listenOptions = new TcpListenOptions { Socket = SocketOptions(options), Backlog = options.Backlog };
        try
        {
            var listener = endPoint.Port == 0
                ? ListenAnywhere(stack, address, listenOptions)
                : stack.Tcp.Listen(address, endPoint.Port, listenOptions);
            return new ManagedListener(this, listener, new ZeroTierEndPoint(Id, endPoint.Address, listener.Port));
        }
        catch (TcpException e)
        {
            throw ConnectionErrors.OfListen(e, endPoint);
        }
    }

    public async ValueTask<ZeroTierConnection> ConnectAsync(
        ZeroTierEndPoint endPoint, ZeroTierConnectionOptions options, CancellationToken cancellationToken)
    {
        var stack = Usable();
        if (endPoint.Address is null)
        {
            throw new ZeroTierException(
                ZeroTierError.AddressNotAvailable,
                $"{endPoint} names no address to connect to. Give the other node's address on network {Id}.");
        }

        if (!OpenPorts.Contains(endPoint.Port))
        {
            throw ClosedPort(endPoint.Port);
        }

        var remote = new IPEndPoint(endPoint.Address, endPoint.Port);
        var destination = IpAddress.From(endPoint.Address);
        var source = SourceFor(stack, destination);
        try
        {
            var socket = await stack.Tcp.ConnectAsync(
                source, destination, endPoint.Port, SocketOptions(options), cancellationToken).ConfigureAwait(false);
            return ManagedConnection.Of(this, socket);
        }
        catch (TcpException e)
        {
            throw ConnectionErrors.OfConnect(e, remote, Id);
        }
    }

    public IZeroTierDatagramSocket BindDatagram(ZeroTierEndPoint endPoint)
    {
        var stack = Usable();
        try
        {
            var socket = stack.BindUdp(OwnAddress(endPoint), (ushort)endPoint.Port);
            return new ManagedDatagramSocket(this, socket, new ZeroTierEndPoint(Id, endPoint.Address, socket.LocalPort));
        }
        catch (SocketException e)
        {
            throw ConnectionErrors.OfUdp(e, endPoint);
        }
    }

    public async ValueTask<TimeSpan> PingAsync(IPAddress address, int payloadLength, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var stack = Usable();
        var destination = IpAddress.From(address);
        SourceFor(stack, destination);
        try
        {
            return await stack.PingAsync(destination, payloadLength, timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new ZeroTierException(
                ZeroTierError.TimedOut,
                $"{address} on network {Id} did not answer. Check that the node is running and has joined the network.",
                e);
        }
        catch (SocketException e)
        {
            throw ConnectionErrors.OfUdp(e, new ZeroTierEndPoint(Id, address, 0));
        }
    }

    /// <summary>The certified tags and capabilities of a member; null when it is not known to be one.</summary>
    public ZeroTierMembership? DescribeMembership(NodeId node) =>
        Network.Configuration is { } configuration ? Network.Members?.Describe(configuration, node) : null;

    /// <summary>Throws if the network does not allow multicast.</summary>
    /// <exception cref="ZeroTierException">The network does not allow multicast.</exception>
    public void RequireMulticast(IPAddress group)
    {
        if (Network.Configuration is { MulticastLimit: 0 })
        {
            throw new ZeroTierException(
                ZeroTierError.NotPermitted,
                $"Network {Id} carries no multicast, so nothing sent to {group} would arrive. "
                    + (Id.IsAdHoc
                        ? "Use an ad-hoc network that does, for example ff19000000000001."
                        : "Set a multicast limit above 0 at its controller."));
        }
    }

    /// <summary>Adds this network's counters to a sum.</summary>
    public ZeroTierStatistics AddTo(ZeroTierStatistics sum, IDictionary<string, long> dropped)
    {
        Stack.AddDropped(dropped);
        var tcp = Stack.Tcp.Statistics;
        return sum with
        {
            TcpConnections = sum.TcpConnections + Stack.Tcp.ConnectionCount,
            TcpHandshakesFailed = sum.TcpHandshakesFailed + tcp[TcpCounter.ConnectionsFailed],
            TcpRetransmissions = sum.TcpRetransmissions + tcp[TcpCounter.Retransmissions],
            TcpSegmentsReceived = sum.TcpSegmentsReceived + tcp[TcpCounter.SegmentsReceived],
            TcpSegmentsSent = sum.TcpSegmentsSent + tcp[TcpCounter.SegmentsSent],
        };
    }

    private PortRange OpenPorts => Network.Configuration?.Filter.OpenPorts ?? PortRange.All;

    private ZeroTierNetwork Describe(NetworkState state)
    {
        var snapshot = new ZeroTierNetwork(Id, state.Status)
        {
            Mac = Network.Port.Mac.ToString(),
            Detail = state.Failure?.Detail ?? Missing(state.Configuration),
            LoginUrl = state.Failure?.LoginUrl,
            Settings = Network.Settings,
        };
        return state.Configuration is not { } configuration ? snapshot : snapshot with
        {
            Name = configuration.Name,
            Mtu = configuration.Mtu,
            IsPublic = configuration.IsPublic,
            AllowsBroadcast = configuration.Flags.HasFlag(NetworkFlags.Broadcast),
            Revision = (long)Math.Min(configuration.Revision, long.MaxValue),
            IsBridge = configuration.ActiveBridges.Contains(_session.Id),
            Addresses = Describe(configuration.Addresses),
            RefusedAddresses = Describe(configuration.RefusedAddresses),
            Routes = [.. configuration.Routes.Select(r =>
                new ZeroTierRoute(new IPNetwork(r.Network.ToIPAddress(), r.PrefixLength), r.Gateway?.ToIPAddress(), r.Metric))],
            Dns = configuration.Dns is { } dns
                ? new ZeroTierDns(dns.Domain, [.. dns.Servers.Select(server => server.ToIPAddress())])
                : null,
        };
    }

    private static IPNetworkAddress[] Describe(ImmutableArray<IpInterfaceAddress> addresses) =>
        [.. addresses.Select(a => new IPNetworkAddress(a.Address.ToIPAddress(), a.PrefixLength))];

    /// <summary>Why the network is not ready although there is no failure; null when it is ready.</summary>
    private string? Missing(NetworkConfiguration? configuration) => configuration switch
    {
        null => $"Network {Id} has no configuration yet: its controller{(Id.Controller is { } controller ? $" (node {controller})" : "")} "
            + "has not answered. Wait for it; if it stays so, check that this node is online and the ID is right.",
        { Addresses.IsEmpty: false } => null,
        { RefusedAddresses.IsEmpty: false } when !Network.Settings.AllowManaged =>
            $"This node takes no addresses of network {Id}, because its setting AllowManaged is false. Set it to true.",
        { RefusedAddresses: { IsEmpty: false } refused } =>
            $"Network {Id} assigns only public addresses ({string.Join(", ", refused.Select(a => a.Address))}), which this node does not "
            + "take. Set AllowGlobalAddresses, or have the controller assign private ones.",
        _ => $"Network {Id} has no address for node {_session.Id}. Let its "
            + $"controller{(Id.Controller is { } controller ? $" (node {controller})" : "")} assign one.",
    };

    private IpStack.IpStack Usable() => Network.Configuration is null ? throw Unavailable() : Stack;

    private ZeroTierException Unavailable() =>
        new(ZeroTierError.NetworkUnavailable, Snapshot.Detail ?? $"Network {Id} has no configuration yet. Wait for it first.");

    private IpAddress? OwnAddress(ZeroTierEndPoint endPoint)
    {
        if (endPoint.Address is not { } address)
        {
            return null;
        }

        return Snapshot.Addresses.Any(a => a.Address.Equals(address))
            ? IpAddress.From(address)
            : throw new ZeroTierException(
                ZeroTierError.AddressNotAvailable,
                $"{address} is not an address of this node on network {Id}; it has "
                + $"{string.Join(", ", Snapshot.Addresses.Select(a => a.Address))}. Leave the address out to use all of them.");
    }

    private IpAddress SourceFor(IpStack.IpStack stack, IpAddress destination) =>
        stack.SelectSource(destination) ?? throw new ZeroTierException(
            ZeroTierError.AddressNotAvailable,
            $"No route to {destination}: it is not on network {Id}, where this node has {string.Join(", ", Snapshot.Addresses)}.");

    private TcpSocketOptions SocketOptions(ZeroTierConnectionOptions options)
    {
        var shielded = ShieldedScheduler.Around(options, _session.Log);
        return new TcpSocketOptions
        {
            Input = shielded.InputPipeOptions,
            Output = shielded.OutputPipeOptions,
            Observer = new ConnectionObserver(new ShieldedObserver(options.Observer, _session.Log), this),
            TranslateError = ConnectionErrors.OfConnection,
            KeepAliveTime = options.KeepAliveTime,
            CongestionControl = _session.Options.CongestionControl,
        };
    }

    /// <summary>Listens on any free port; if the rules allow connections to few ports only, on one of those.</summary>
    private TcpListener ListenAnywhere(IpStack.IpStack stack, IpAddress? address, TcpListenOptions options)
    {
        var open = OpenPorts;
        if (open.IsAll)
        {
            return stack.Tcp.Listen(address, 0, options);
        }

        int first = Math.Max((int)open.First, 1);
        int count = open.Last - first + 1;
        int start = count > 0 ? _session.Options.RandomSource.Next(count) : 0;
        for (int i = 0; i < count; i++)
        {
            try
            {
                return stack.Tcp.Listen(address, first + ((start + i) % count), options);
            }
            catch (TcpException e) when (e.Error == TcpError.AddressInUse && i < count - 1)
            {
                // Try the next port.
            }
        }

        throw ClosedPort(0);
    }

    private ZeroTierException ClosedPort(int port)
    {
        var open = OpenPorts;
        return new ZeroTierException(
            ZeroTierError.NotPermitted,
            $"Network {Id} lets TCP connections through to ports {open.First} to {open.Last} only, not to {port}. Use a port in that "
            + "range, or a network with a wider one, for example ff0000ffff000000.");
    }
}
