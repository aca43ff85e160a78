using System.Buffers;
using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>Output of both IP versions: next hop, headers, fragmentation, frames. Thread-safe.</summary>
internal sealed class IpOutput : IIpOutput
{
    private readonly IpStackOptions _options;
    private readonly IpDropCounters _drops;
    private readonly Loopback _loopback;
    private readonly IdlePool<OutputBatch> _batches = new();
    private volatile IpInterface _interface;

    public IpOutput(IpStackOptions options, IpDropCounters drops, Loopback loopback)
    {
        _options = options;
        _drops = drops;
        _loopback = loopback;
        _interface = new IpInterface(options.MacAddress, IpConfiguration.None);
        PathMtus = new PathMtuTable(options.TimeProvider);
    }

    /// <summary>What to do with a packet for a destination.</summary>
    internal enum Route
    {
        /// <summary>There is no route.</summary>
        None,

        /// <summary>The destination is one of our own addresses.</summary>
        Local,

        /// <summary>The Ethernet address of the next hop, or of the group, is known.</summary>
        Neighbor,

        /// <summary>The next hop's Ethernet address must be resolved first.</summary>
        Unresolved,
    }

    public PathMtuTable PathMtus { get; }

    public NeighborCache? Neighbors { get; set; }

    /// <summary>The configuration in force; replaced whole. Read it once per packet.</summary>
    public IpInterface Interface
    {
        get => _interface;
        set => _interface = value;
    }

    public int MaxPayload(in IpAddress destination) =>
        TransportPayload(_options.Link.UnfragmentedPayload(NextHop(destination)), destination);

    public int ExpectedPayload(in IpAddress destination) =>
        TransportPayload(_options.Link.ExpectedPayload(NextHop(destination)), destination);

    public void Doubt(in IpAddress destination) => _options.Link.Doubt(NextHop(destination));

    IpBatch IIpOutput.BeginBatch() => BeginBatch();

    public OutputBatch BeginBatch()
    {
        var batch = _batches.TryTake() ?? new OutputBatch(this);
        batch.Begin();
        return batch;
    }

    internal FrameBatch BeginFrames() => _options.Link.BeginBatch();

    internal void Return(OutputBatch batch) => _batches.Return(batch);

    internal void FlushLoopback() => _loopback.Flush();

    internal int MtuTo(in IpAddress destination) => PathMtus.Get(destination, _interface.Mtu);

    /// <summary>Finds the route to a destination.</summary>
    /// <param name="destination">Where a packet is to go.</param>
    /// <param name="nextHop">The neighbour that takes it: the destination itself, or a gateway.</param>
    /// <param name="mac">The neighbour's Ethernet address, when it is known.</param>
    internal Route FindRoute(in IpAddress destination, out IpAddress nextHop, out MacAddress mac)
    {
        nextHop = destination;
        mac = default;
        var addresses = _interface;
        if (addresses.Contains(destination))
        {
            return Route.Local;
        }

        if (destination.IsMulticast)
        {
            mac = MulticastMapping.ToEthernet(destination);
            return Route.Neighbor;
        }

        if (addresses.IsBroadcast(destination))
        {
            mac = MacAddress.Broadcast;
            return Route.Neighbor;
        }

        if (!addresses.TryGetNextHop(destination, out nextHop))
        {
            return Route.None;
        }

        return (_options.Resolver?.TryResolve(nextHop, out mac) ?? false) || Neighbors!.TryGet(nextHop, out mac)
            ? Route.Neighbor
            : Route.Unresolved;
    }

    /// <summary>Sends a whole packet that has to be fragmented, queued for a neighbour, or looped back.</summary>
    internal void SendPacket(FrameBatch frames, ReadOnlySpan<byte> packet, in IpAddress destination)
    {
        var route = FindRoute(destination, out var nextHop, out var mac);
        switch (route)
        {
            case Route.None:
                _drops.Count(IpDrop.NoRoute);
                return;
            case Route.Local:
                _loopback.Enqueue(packet);
                return;
        }

        int mtu = MtuTo(destination);
        if (packet.Length <= mtu)
        {
            SendToNeighbor(frames, packet, nextHop, route, mac);
        }
        else if (destination.IsIPv4)
        {
            FragmentIPv4(frames, packet, nextHop, mtu, route, mac);
        }
        else
        {
            FragmentIPv6(frames, packet, nextHop, mtu, route, mac);
        }
    }

    /// <summary>Sends one Ethernet payload.</summary>
    internal void SendFrame(FrameBatch frames, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        payload.CopyTo(frames.Reserve(payload.Length));
        frames.Commit(destination, etherType);
    }

    private int TransportPayload(int packet, in IpAddress destination) =>
        Math.Min(packet, MtuTo(destination)) - IpHeader.LengthFor(destination);

    // The next hop's Ethernet address; the default value when it is not known.
    private MacAddress NextHop(in IpAddress destination)
    {
        FindRoute(destination, out _, out var mac);
        return mac;
    }

    private void SendToNeighbor(FrameBatch frames, ReadOnlySpan<byte> packet, in IpAddress neighbor, Route route, MacAddress mac)
    {
        if (route == Route.Unresolved && !Neighbors!.TryGetOrQueue(neighbor, packet, out mac, out bool dropped))
        {
            if (dropped)
            {
                _drops.Count(IpDrop.Neighbor);
            }

            return;
        }

        SendFrame(frames, mac, neighbor.IsIPv4 ? EtherTypes.IPv4 : EtherTypes.IPv6, packet);
    }

    // RFC 791, 3.2: each fragment repeats the header.
    private void FragmentIPv4(FrameBatch frames, ReadOnlySpan<byte> packet, in IpAddress neighbor, int mtu, Route route, MacAddress mac)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(mtu);
        ushort identification = (ushort)_options.Random.NextUInt64();
        int perFragment = (mtu - IpHeader.IPv4Length) & ~7;
        var payload = packet[IpHeader.IPv4Length..];
        for (int offset = 0; offset < payload.Length; offset += perFragment)
        {
            int length = Math.Min(perFragment, payload.Length - offset);
            var fragment = buffer.AsSpan(0, IpHeader.IPv4Length + length);
            packet[..IpHeader.IPv4Length].CopyTo(fragment);
            BinaryPrimitives.WriteUInt16BigEndian(fragment[2..], (ushort)fragment.Length);
            BinaryPrimitives.WriteUInt16BigEndian(fragment[4..], identification);
            ushort more = offset + length < payload.Length ? IpHeader.MoreFragments : (ushort)0;
            BinaryPrimitives.WriteUInt16BigEndian(fragment[6..], (ushort)(more | offset / 8));
            IpHeader.WriteIPv4Checksum(fragment);
            payload.Slice(offset, length).CopyTo(fragment[IpHeader.IPv4Length..]);
            SendToNeighbor(frames, fragment, neighbor, route, mac);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    // RFC 8200, 4.5; the identification is random, as RFC 7739 advises.
    private void FragmentIPv6(FrameBatch frames, ReadOnlySpan<byte> packet, in IpAddress neighbor, int mtu, Route route, MacAddress mac)
    {
        const int Headers = IpHeader.IPv6Length + IpHeader.IPv6FragmentLength;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(mtu);
        uint identification = (uint)_options.Random.NextUInt64();
        int perFragment = (mtu - Headers) & ~7;
        var payload = packet[IpHeader.IPv6Length..];
        for (int offset = 0; offset < payload.Length; offset += perFragment)
        {
            int length = Math.Min(perFragment, payload.Length - offset);
            var fragment = buffer.AsSpan(0, Headers + length);
            packet[..IpHeader.IPv6Length].CopyTo(fragment);
            BinaryPrimitives.WriteUInt16BigEndian(fragment[4..], (ushort)(IpHeader.IPv6FragmentLength + length));
            fragment[6] = (byte)IpProtocol.FragmentHeader;
            fragment[IpHeader.IPv6Length] = packet[6];
            fragment[IpHeader.IPv6Length + 1] = 0;
            int more = offset + length < payload.Length ? 1 : 0;
            BinaryPrimitives.WriteUInt16BigEndian(fragment[(IpHeader.IPv6Length + 2)..], (ushort)(offset | more));
            BinaryPrimitives.WriteUInt32BigEndian(fragment[(IpHeader.IPv6Length + 4)..], identification);
            payload.Slice(offset, length).CopyTo(fragment[Headers..]);
            SendToNeighbor(frames, fragment, neighbor, route, mac);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }
}
