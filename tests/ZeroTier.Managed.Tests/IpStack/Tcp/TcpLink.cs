using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Managed.Net;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>What the path between two stacks does to packets, each way.</summary>
internal sealed class TcpLinkConditions
{
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(10);

    public double Loss { get; set; }

    public double Duplicate { get; set; }

    public double Corrupt { get; set; }

    /// <summary>Share of packets that come later by up to <see cref="Delay"/>.</summary>
    public double Reorder { get; set; }

    /// <summary>Bytes per second; 0 for no limit.</summary>
    public long Bandwidth { get; set; }

    /// <summary>Bytes that wait for the bandwidth; more are lost.</summary>
    public long QueueLimit { get; set; } = 256 * 1024;

    /// <summary>Nothing passes.</summary>
    public bool Cut { get; set; }

    /// <summary>Bytes of TCP header and data that pass; larger packets vanish.</summary>
    public int Passes { get; set; } = TcpLink.Mtu;

    /// <summary>What the stacks are told of it.</summary>
    public int Known { get; set; } = TcpLink.Mtu;
}

/// <summary>Two or more stacks on one wire in virtual time, below TCP and above IP.</summary>
internal sealed class TcpLink(VirtualClock clock, ulong seed)
{
    public const int Mtu = 1374;

    private readonly SeededRandom _random = new(seed);
    private readonly Dictionary<IpAddress, TcpLayer> _hosts = [];
    private readonly Dictionary<IpAddress, TimeSpan> _busyUntil = [];

    public VirtualClock Clock { get; } = clock;

    public TcpLinkConditions Conditions { get; } = new();

    /// <summary>A hash over every packet that was sent, with its time: equal for equal runs.</summary>
    public ulong Trace { get; private set; } = 14695981039346656037;

    public bool IsTraced { get; set; } = true;

    public long PacketsSent { get; private set; }

    /// <summary>How often a stack asked whether the path is narrower.</summary>
    public int Doubts { get; private set; }

    /// <summary>Sees each packet before it travels; false loses it.</summary>
    public Func<Packet, bool>? Filter { get; set; }

    public void Add(IpAddress address, TcpLayer layer) => _hosts.Add(address, layer);

    public IIpOutput OutputOf(MacAddress mac) => new Output(this, mac);

    /// <summary>A packet made by the test.</summary>
    public void Deliver(in Packet packet)
    {
        TcpLayer host = _hosts[packet.Destination];
        host.OnSegment(packet.Source, packet.Destination, packet.SourceMac, packet.Bytes);
        host.EndOfBatch();
    }

    private void Send(List<Packet> packets)
    {
        var groups = new SortedDictionary<TimeSpan, List<Packet>>();
        foreach (Packet packet in packets)
        {
            if (IsTraced)
            {
                Hash(packet);
            }

            PacketsSent++;
            if (Filter?.Invoke(packet) == false
                || Conditions.Cut
                || packet.Bytes.Length > Conditions.Passes
                || _random.Chance(Conditions.Loss))
            {
                continue;
            }

            Travel(packet, groups);
            if (_random.Chance(Conditions.Duplicate))
            {
                Travel(packet, groups);
            }
        }

        foreach ((TimeSpan delay, List<Packet> group) in groups)
        {
            Clock.Schedule(delay, () => Arrive(group));
        }
    }

    private void Travel(Packet packet, SortedDictionary<TimeSpan, List<Packet>> groups)
    {
        TimeSpan delay = Conditions.Delay;
        if (Conditions.Bandwidth > 0)
        {
            TimeSpan start = _busyUntil.TryGetValue(packet.Source, out TimeSpan busy) && busy > Clock.Elapsed ? busy : Clock.Elapsed;
            if ((start - Clock.Elapsed).TotalSeconds * Conditions.Bandwidth > Conditions.QueueLimit)
            {
                return;
            }

            TimeSpan end = start + TimeSpan.FromSeconds((double)(packet.Bytes.Length + 40) / Conditions.Bandwidth);
            _busyUntil[packet.Source] = end;
            delay += end - Clock.Elapsed;
        }

        if (_random.Chance(Conditions.Reorder))
        {
            delay += Conditions.Delay * _random.NextDouble();
        }

        if (_random.Chance(Conditions.Corrupt))
        {
            packet = packet with { Bytes = [.. packet.Bytes] };
            packet.Bytes[_random.Next(packet.Bytes.Length)] ^= (byte)(1 << _random.Next(8));
        }

        if (!groups.TryGetValue(delay, out List<Packet>? group))
        {
            groups.Add(delay, group = []);
        }

        group.Add(packet);
    }

    private void Arrive(List<Packet> packets)
    {
        foreach (Packet packet in packets)
        {
            if (_hosts.TryGetValue(packet.Destination, out TcpLayer? host))
            {
                host.OnSegment(packet.Source, packet.Destination, packet.SourceMac, packet.Bytes);
            }
        }

        foreach (Packet packet in packets)
        {
            if (_hosts.TryGetValue(packet.Destination, out TcpLayer? host))
            {
                host.EndOfBatch();
            }
        }
    }

    private void Hash(Packet packet)
    {
        ulong hash = (Trace ^ (ulong)Clock.Elapsed.Ticks) * 1099511628211;
        foreach (byte b in packet.Bytes)
        {
            hash = (hash ^ b) * 1099511628211;
        }

        Trace = hash;
    }

    private sealed class Output(TcpLink link, MacAddress mac) : IIpOutput
    {
        public int MaxPayload(in IpAddress destination) => link.Conditions.Known;

        public int ExpectedPayload(in IpAddress destination) => Mtu;

        public void Doubt(in IpAddress destination) => link.Doubts++;

        public IpBatch BeginBatch() => new PacketBatch(mac, link.Send);
    }
}
