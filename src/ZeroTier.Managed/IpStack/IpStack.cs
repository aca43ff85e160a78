using System.Net.Sockets;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.IpStack;

/// <summary>
/// The network stack of one virtual Ethernet port: IPv4 and IPv6 with ARP, neighbour discovery, ICMP, UDP and TCP. Thread-safe.
/// </summary>
internal sealed class IpStack : IDisposable, NeighborCache.IActions
{
    // RFC 5227, 1.1: DEFEND_INTERVAL, in milliseconds.
    private const long DefendInterval = 10_000;

    private readonly IpDropCounters _drops = new();
    private readonly Lock _configuring = new();
    private readonly MacAddress _mac;
    private readonly IpOutput _output;
    private readonly IpInput _input;
    private readonly IcmpErrors _errors;
    private readonly IcmpLayer _icmp;
    private readonly EchoClient _echo;
    private readonly UdpLayer _udp;
    private readonly HostGroups _groups;
    private readonly Arp _arp;
    private readonly NeighborDiscovery _discovery;
    private readonly NeighborCache _neighbors;
    private IpInterface _announced;

    // When each of our IPv4 addresses was last defended.
    private readonly Dictionary<IpAddress, long> _defended = [];
    private volatile bool _disposed;

    public IpStack(IpStackOptions options)
    {
        Options = options;
        _mac = options.MacAddress;
        _announced = new IpInterface(options.MacAddress, IpConfiguration.None);
        _output = new IpOutput(options, _drops, new Loopback(options.Completions, _drops, ReceiveOwn));
        try
        {
            _neighbors = new NeighborCache(options.TimeProvider, this);
            _output.Neighbors = _neighbors;
            _arp = new Arp(_output, _neighbors, _mac, _drops);
            _discovery = new NeighborDiscovery(_output, _neighbors, _mac, _drops);
            _errors = new IcmpErrors(_output, _drops, options.TimeProvider);
            _echo = new EchoClient(options, _output);
            _icmp = new IcmpLayer(_output, _drops, _echo, _discovery);
            _groups = new HostGroups(options.Link);
            _udp = new UdpLayer(options, _output, _drops, _errors, _groups);
            _input = new IpInput(options, _output, _drops, _errors, _groups, Dispatch);
            Tcp = new TcpLayer(
                _output,
                options.TimeProvider,
                options.Random,
                new TcpLayerOptions { Scheduler = options.Completions, Budget = options.Budget, Batches = options.Batches });
        }
        catch
        {
            // A constructor that fails must dispose of the timers it has created.
            Tcp?.Dispose();
            _input?.Dispose();
            _neighbors?.Dispose();
            throw;
        }
    }

    public IpStackOptions Options { get; }

    /// <summary>The IP layer, for the transport protocols.</summary>
    public IIpOutput Output => _output;

    public TcpLayer Tcp { get; }

    /// <summary>
    /// The path MTU to a station has fallen, and large frames on their way may be lost; <see cref="IFrameLink.UnfragmentedPayload"/> gives
    /// the new size. TCP connections cut smaller segments and retransmit.
    /// </summary>
    public void OnPathNarrowed(MacAddress station) => Tcp.OnPathNarrowed(station);

    /// <summary>Our addresses, the link-local one included.</summary>
    public ReadOnlySpan<IpInterfaceAddress> Addresses => _output.Interface.Entries;

    /// <summary>Largest Ethernet payload in bytes.</summary>
    public int Mtu => _output.Interface.Mtu;

    internal IpDropCounters Drops => _drops;

    internal NeighborCache Neighbors => _neighbors;

    internal IpReassembly IpReassembly => _input.IpReassembly;

    /// <summary>
    /// Puts a configuration in force. Open connections and sockets stay open, except those bound to an address that is no longer ours: they
    /// end with an error that says so. Sockets bound to any address use the new addresses.
    /// </summary>
    public void Configure(IpConfiguration configuration)
    {
        var after = new IpInterface(_mac, configuration);
        IpInterface before;
        lock (_configuring)
        {
            before = _output.Interface;
            _output.Interface = after;
        }

        foreach (ref readonly var entry in before.Entries)
        {
            if (!after.Contains(entry.Address))
            {
                Tcp.RemoveAddress(entry.Address);
                _udp.RemoveAddress(entry.Address);
            }
        }
    }

    /// <summary>
    /// Announces by ARP the IPv4 addresses that were added since the last call (RFC 5227, 2.3). On ZeroTier such a request goes to the
    /// multicast group of this one address, which only its owners join: other members are not burdened, and a conflict shows immediately.
    /// </summary>
    public void Announce()
    {
        IpInterface before, after;
        lock (_configuring)
        {
            before = _announced;
            after = _announced = _output.Interface;
        }

        foreach (ref readonly var entry in after.Entries)
        {
            if (entry.Address.IsIPv4 && !before.Contains(entry.Address))
            {
                _arp.Announce(entry.Address);
            }
        }
    }

    /// <summary>
    /// Another member uses one of our IPv4 addresses: it is announced again, at most once in ten seconds for each address
    /// (RFC 5227, 2.4 (c)).
    /// </summary>
    public void Defend(in IpAddress address)
    {
        if (!address.IsIPv4)
        {
            return;
        }

        lock (_configuring)
        {
            long now = Milliseconds();
            if (!_output.Interface.Contains(address)
                || (_defended.TryGetValue(address, out long defended) && now - defended < DefendInterval))
            {
                return;
            }

            // Bounded by the addresses that this node has had lately.
            foreach (var (other, time) in _defended)
            {
                if (now - time >= DefendInterval)
                {
                    _defended.Remove(other);
                }
            }

            _defended[address] = now;
        }

        _arp.Announce(address);
    }

    /// <summary>Processes one received frame. Never throws because of its content.</summary>
    /// <param name="source">The Ethernet source, authenticated by the link.</param>
    /// <param name="destination">The Ethernet destination: ours, or a group.</param>
    /// <param name="etherType">The protocol of the payload.</param>
    /// <param name="payload">Valid during the call.</param>
    public void Receive(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        if (_disposed)
        {
            return;
        }

        if (source.IsMulticast || source == _mac || (!destination.IsMulticast && destination != _mac))
        {
            _drops.Count(IpDrop.Frame);
            return;
        }

        switch (etherType)
        {
            case EtherTypes.IPv4:
                _input.ReceiveIPv4(source, destination.IsMulticast, loopback: false, payload);
                break;
            case EtherTypes.IPv6:
                _input.ReceiveIPv6(source, destination.IsMulticast, loopback: false, payload);
                break;
            case EtherTypes.Arp:
                _arp.Receive(source, payload);
                break;
            default:
                _drops.Count(IpDrop.EtherType);
                break;
        }
    }

    /// <summary>Called after the last frame of a received batch: TCP now acknowledges and sends.</summary>
    public void EndOfBatch() => Tcp.EndOfBatch();

    /// <summary>The link has heard from a neighbour after a silence: connections with it retransmit immediately.</summary>
    public void PeerHeard(MacAddress peer)
    {
        // On most networks there is none, and a node may be on many.
        if (Tcp.AwaitsAny)
        {
            RetransmitTo(peer);
        }
    }

    /// <summary>A neighbour may have restarted: connections with it are probed, and reset by it if it no longer knows them.</summary>
    public void PeerRestarted(MacAddress peer) => Tcp.OnPeerRestarted(peer);

    /// <summary>Our address to talk to a destination from; null when there is no route.</summary>
    public IpAddress? SelectSource(in IpAddress destination) => _output.Interface.SelectSource(destination);

    /// <summary>Binds a UDP port.</summary>
    /// <param name="address">One of our addresses; null for all of them, including later ones.</param>
    /// <param name="port">The port; 0 for any free one.</param>
    /// <exception cref="SocketException">The port is taken, the address is not ours, or the stack is disposed of.</exception>
    public UdpSocket BindUdp(IpAddress? address, ushort port) => _udp.Bind(address, port);

    /// <summary>Sends an echo request and returns the round-trip time.</summary>
    /// <param name="destination">The destination.</param>
    /// <param name="payloadSize">Bytes behind the ICMP header, 0 to 65,507.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">No answer came.</exception>
    /// <exception cref="SocketException">There is no route, the address cannot be resolved, or the payload is too long.</exception>
    public Task<TimeSpan> PingAsync(
        IpAddress destination, int payloadSize, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        _echo.PingAsync(destination, payloadSize, timeout, cancellationToken);

    /// <summary>Adds the count of each drop reason, such as <c>ip.checksum</c>, to a table.</summary>
    public void AddDropped(IDictionary<string, long> counts)
    {
        _drops.AddTo(counts);
        Tcp.Statistics.AddDropped(counts);
    }

    /// <summary>Resets connections, closes sockets, stops timers, returns buffers. The link is not disposed of.</summary>
    public void Dispose()
    {
        // TCP first, so that its resets are still sent.
        Tcp.Dispose();
        _disposed = true;
        _udp.Dispose();
        _echo.Dispose();
        _input.Dispose();
        _neighbors.Dispose();
    }

    void NeighborCache.IActions.Solicit(in IpAddress address, MacAddress? lastKnown)
    {
        if (address.IsIPv4)
        {
            _arp.Solicit(address, lastKnown);
        }
        else
        {
            _discovery.Solicit(address, lastKnown);
        }
    }

    void NeighborCache.IActions.SendResolved(ReadOnlySpan<byte> packet, MacAddress neighbor)
    {
        var frames = _output.BeginFrames();
        _output.SendFrame(frames, neighbor, packet[0] >> 4 == 4 ? EtherTypes.IPv4 : EtherTypes.IPv6, packet);
        frames.Send();
    }

    void NeighborCache.IActions.Unreachable(ReadOnlySpan<byte> packet)
    {
        _drops.Count(IpDrop.Neighbor);
        _icmp.OnUnreachable(packet);
    }

    private void RetransmitTo(MacAddress peer) => Tcp.OnPeerHeard(
        (mac, address) => mac == peer
            || mac == default && Options.Resolver is { } resolver && resolver.TryResolve(address, out mac) && mac == peer);

    private long Milliseconds() => (long)Options.TimeProvider.GetElapsedTime(0).TotalMilliseconds;

    private void ReceiveOwn(ReadOnlySpan<byte> packet, bool endOfBatch)
    {
        if (_disposed)
        {
            return;
        }

        if (packet[0] >> 4 == 4)
        {
            _input.ReceiveIPv4(_mac, linkGroup: false, loopback: true, packet);
        }
        else
        {
            _input.ReceiveIPv6(_mac, linkGroup: false, loopback: true, packet);
        }

        if (endOfBatch)
        {
            Tcp.EndOfBatch();
        }
    }

    private void Dispatch(in IpPacket packet)
    {
        // Only ICMPv6 accepts a packet from the unspecified address: duplicate address detection (RFC 4862, 5.4.2).
        if (packet.Source.IsUnspecified && packet.Protocol != IpProtocol.IcmpV6)
        {
            _drops.Count(IpDrop.Martian);
            return;
        }

        switch (packet.Protocol)
        {
            case IpProtocol.Tcp when packet.IsGroup:
                // RFC 9293, 3.9.2.3: segments to a multicast or broadcast address are discarded silently.
                _drops.Count(IpDrop.Martian);
                break;
            case IpProtocol.Tcp:
                Tcp.OnSegment(packet.Source, packet.Destination, packet.SourceMac, packet.Payload);
                break;
            case IpProtocol.Udp:
                _udp.Receive(packet);
                break;
            case IpProtocol.Icmp when packet.Source.IsIPv4:
            case IpProtocol.IcmpV6 when packet.Source.IsIPv6:
                _icmp.Receive(packet);
                break;
            default:
                _drops.Count(IpDrop.Protocol);
                _errors.ProtocolUnreachable(packet);
                break;
        }
    }
}
