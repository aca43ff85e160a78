using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using ZeroTier.Managed;

namespace ZeroTier.Simulation;

/// <summary>
/// A physical network in memory and in virtual time: hosts with addresses, address translators, and a <see cref="VirtualLink"/> for each
/// direction of each pair of hosts. Driven by its clock on one thread; equal seeds and equal inputs give equal runs.
/// </summary>
public sealed class VirtualNetwork
{
    private static readonly VirtualLink LocalLink = new() { Delay = TimeSpan.Zero, Routers = 0 };
    private readonly Dictionary<(int From, int To), VirtualRoute> _routes = [];
    private readonly Stack<VirtualPacket> _pool = new();
    private readonly long[] _fates = new long[Enum.GetValues<DatagramFate>().Length];
    private readonly List<VirtualHost> _partitioned = [];
    private int _partitionNumber;
    private int _hosts;

    /// <summary>A network without hosts.</summary>
    public VirtualNetwork(VirtualClock clock, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(clock);
        Clock = clock;
        Random = new SeededRandom(seed);
        Internet = new VirtualRealm(null);
    }

    /// <summary>The clock that drives it.</summary>
    public VirtualClock Clock { get; }

    /// <summary>The source of all chance in this network. Fork it for the nodes.</summary>
    public SeededRandom Random { get; }

    /// <summary>For pairs without a link of their own; may be changed at any time.</summary>
    public VirtualLink DefaultLink { get; set; } = VirtualLink.Perfect;

    /// <summary>Sees every datagram when its fate is known.</summary>
    public DatagramCapture? Capture { get; set; }

    /// <summary>Covers time, addresses, bytes and fate of every datagram so far: two runs that agree here were the same run.</summary>
    public ulong LogHash { get; private set; } = 0xcbf29ce484222325;

    internal VirtualRealm Internet { get; }

    /// <summary>Number of datagrams that met this fate.</summary>
    public long Count(DatagramFate fate) => _fates[(int)fate];

    /// <summary>Adds a host to the public network.</summary>
    public VirtualHost AddHost(string name, params string[] addresses) => AddHost(Internet, name, addresses);

    /// <summary>Adds an address translator with a public address; hosts are added behind it.</summary>
    public VirtualNat AddNat(NatKind kind, string publicAddress) =>
        new(this, Internet, kind, ParseAddress(publicAddress));

    /// <summary>Sets both directions between two hosts; null returns them to the default link.</summary>
    public void SetLink(VirtualHost first, VirtualHost second, VirtualLink? link)
    {
        SetOneWayLink(first, second, link);
        SetOneWayLink(second, first, link);
    }

    /// <summary>Sets one direction between two hosts.</summary>
    public void SetOneWayLink(VirtualHost from, VirtualHost to, VirtualLink? link) => RouteOf(from, to).Link = link;

    /// <summary>Drops everything between two hosts, whatever the path, until unblocked.</summary>
    public void Block(VirtualHost first, VirtualHost second) => SetBlocked(first, second, true);

    /// <summary>Ends a block.</summary>
    public void Unblock(VirtualHost first, VirtualHost second) => SetBlocked(first, second, false);

    /// <summary>
    /// Cuts the network: hosts of different groups cannot reach each other; a host in no group reaches all. Replaces an earlier partition.
    /// </summary>
    public void Partition(params VirtualHost[][] groups)
    {
        ArgumentNullException.ThrowIfNull(groups);
        Heal();
        for (int group = 0; group < groups.Length; group++)
        {
            foreach (var host in groups[group])
            {
                host.Group = group + 1;
                _partitioned.Add(host);
            }
        }
    }

    /// <summary>Cuts the network for a time.</summary>
    public void PartitionFor(TimeSpan duration, params VirtualHost[][] groups)
    {
        Partition(groups);
        int partition = ++_partitionNumber;
        Clock.Schedule(duration, () =>
        {
            if (partition == _partitionNumber)
            {
                Heal();
            }
        });
    }

    /// <summary>Ends a partition.</summary>
    public void Heal()
    {
        _partitionNumber++;
        foreach (var host in _partitioned)
        {
            host.Group = 0;
        }

        _partitioned.Clear();
    }

    internal static InetEndPoint ParseAddress(string address) => InetEndPoint.From(new IPEndPoint(IPAddress.Parse(address), 0));

    internal VirtualHost AddHost(VirtualRealm realm, string name, string[] addresses)
    {
        var host = new VirtualHost(this, realm, name, ++_hosts, [.. addresses.Select(ParseAddress)]);
        foreach (var address in host.Addresses)
        {
            realm.Add(address, host);
        }

        return host;
    }

    internal void Send(VirtualHost from, InetEndPoint source, InetEndPoint destination, ReadOnlySpan<byte> data, int hops)
    {
        var packet = Rent(data);
        packet.Source = source;
        packet.Destination = destination;
        var realm = from.Realm;
        while (!realm.Contains(destination) && realm.Gateway is { } gateway)
        {
            if (--hops <= 0)
            {
                Finish(packet, DatagramFate.Expired);
                return;
            }

            packet.Source = gateway.Outbound(packet.Source, destination);
            realm = gateway.Outside;
        }

        packet.Realm = realm;
        var to = realm.FindHost(destination);
        var route = to is null ? null : RouteOf(from, to);
        var link = route?.Link ?? (ReferenceEquals(from, to) ? LocalLink : DefaultLink);
        if (source.Family != destination.Family)
        {
            Finish(packet, DatagramFate.Unreachable);
        }
        else if (route is { Blocked: true } || (to is not null && from.Group != 0 && to.Group != 0 && from.Group != to.Group))
        {
            Finish(packet, DatagramFate.Blocked);
        }
        else if (hops <= link.Routers)
        {
            Finish(packet, DatagramFate.Expired);
        }
        else if (data.Length > link.Mtu)
        {
            Finish(packet, DatagramFate.TooBig);
        }
        else if (Random.Chance(link.Loss))
        {
            Finish(packet, DatagramFate.Lost);
        }
        else
        {
            packet.Hops = hops - link.Routers;
            Transmit(packet, link, route ?? RouteOf(from, from));
        }
    }

    internal void Finish(VirtualPacket packet, DatagramFate fate)
    {
        Report(packet, fate);
        Return(packet);
    }

    internal void Report(VirtualPacket packet, DatagramFate fate)
    {
        _fates[(int)fate]++;
        Span<byte> header = stackalloc byte[56];
        header.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(header, Clock.GetTimestamp());
        BinaryPrimitives.WriteUInt16LittleEndian(header[8..], packet.Source.Port);
        BinaryPrimitives.WriteUInt16LittleEndian(header[10..], packet.Destination.Port);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], (int)fate);
        packet.Source.WriteAddress(header[16..]);
        packet.Destination.WriteAddress(header[32..]);
        BinaryPrimitives.WriteInt64LittleEndian(header[48..], packet.Length);
        Mix(header);
        Mix(packet.Data);
        Capture?.Invoke(new VirtualDatagram(Clock.Elapsed, packet.Source, packet.Destination, fate, packet.Data));
    }

    internal void Return(VirtualPacket packet) => _pool.Push(packet);

    private void Transmit(VirtualPacket packet, VirtualLink link, VirtualRoute route)
    {
        long queued = 0;
        if (link.Bandwidth > 0)
        {
            int size = packet.Length + (packet.Source.AddressLength == 16 ? 48 : 28);
            long now = Clock.GetTimestamp();
            long begin = Math.Max(now, route.BusyUntil);
            if ((begin - now) * link.Bandwidth / TimeSpan.TicksPerSecond + size > link.QueueBytes)
            {
                Finish(packet, DatagramFate.QueueFull);
                return;
            }

            route.BusyUntil = begin + Math.Max(1, size * TimeSpan.TicksPerSecond / link.Bandwidth);
            queued = route.BusyUntil - now;
        }

        if (Random.Chance(link.Corrupt) && packet.Length > 0)
        {
            packet.Buffer[Random.Next(packet.Length)] ^= (byte)(1 << Random.Next(8));
        }

        if (Random.Chance(link.Duplicate))
        {
            var copy = Rent(packet.Data);
            copy.Source = packet.Source;
            copy.Destination = packet.Destination;
            copy.Realm = packet.Realm;
            copy.Hops = packet.Hops;
            Clock.Schedule(TimeSpan.FromTicks(queued) + TravelTime(link), copy, 0);
        }

        Clock.Schedule(TimeSpan.FromTicks(queued) + TravelTime(link), packet, 0);
    }

    private TimeSpan TravelTime(VirtualLink link)
    {
        var time = link.Delay;
        if (link.Jitter > TimeSpan.Zero)
        {
            time += link.Jitter * Random.NextDouble();
        }

        return Random.Chance(link.Reorder) ? time + link.ReorderDelay : time;
    }

    private VirtualPacket Rent(ReadOnlySpan<byte> data)
    {
        if (!_pool.TryPop(out var packet))
        {
            packet = new VirtualPacket(this);
        }

        packet.Fill(data);
        return packet;
    }

    private VirtualRoute RouteOf(VirtualHost from, VirtualHost to)
    {
        if (!_routes.TryGetValue((from.Number, to.Number), out var route))
        {
            _routes.Add((from.Number, to.Number), route = new VirtualRoute());
        }

        return route;
    }

    private void SetBlocked(VirtualHost first, VirtualHost second, bool blocked)
    {
        RouteOf(first, second).Blocked = blocked;
        RouteOf(second, first).Blocked = blocked;
    }

    private void Mix(ReadOnlySpan<byte> data)
    {
        ulong hash = LogHash;
        for (; data.Length >= 8; data = data[8..])
        {
            hash = BitOperations.RotateLeft((hash ^ BinaryPrimitives.ReadUInt64LittleEndian(data)) * 0x9e3779b97f4a7c15, 29);
        }

        foreach (byte b in data)
        {
            hash = (hash ^ b) * 0x100000001b3;
        }

        LogHash = hash;
    }
}

/// <summary>One direction between two hosts.</summary>
internal sealed class VirtualRoute
{
    public VirtualLink? Link { get; set; }

    public bool Blocked { get; set; }

    public long BusyUntil { get; set; }
}
