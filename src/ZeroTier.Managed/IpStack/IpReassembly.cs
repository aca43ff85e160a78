using System.Buffers;
using System.Buffers.Binary;

namespace ZeroTier.Managed.IpStack;

/// <summary>What the fragments of one packet have in common: RFC 791, 3.2 and RFC 8200, 4.5.</summary>
/// <param name="Source">The sender.</param>
/// <param name="Destination">The receiver.</param>
/// <param name="Identification">16 bits for IPv4, 32 for IPv6.</param>
/// <param name="Protocol">IPv4's protocol; 0 for IPv6.</param>
/// <param name="Sender">The Ethernet source, authenticated by the link: limits hold for it too, since one member may own many
/// addresses.</param>
internal readonly record struct FragmentKey(
    IpAddress Source, IpAddress Destination, uint Identification, byte Protocol, MacAddress Sender = default);

/// <summary>Puts fragmented packets together again. Bounded in packets, bytes, fragments and time. Thread-safe.</summary>
/// <remarks>
/// When fragments overlap, the packet is dropped together with its later fragments (RFC 5722); exact duplicates are ignored (RFC 8200,
/// 4.5). No other lock is taken under the lock of this class.
/// </remarks>
internal sealed class IpReassembly : IDisposable
{
    internal const int MaxPackets = 64;
    internal const int MaxPerSource = 8;
    internal const int MaxPerSender = 16;
    internal const int MaxBytes = 4 << 20;
    internal const int MaxFragments = 128;
    internal const long TimeoutMs = 30_000;

    // Space for the header before the data. The header is stored right-aligned, directly before the data, so that a packet of either
    // version is contiguous.
    private const int HeaderRoom = IpHeader.IPv6Length;
    private const int MaxPayload = 65535;

    private readonly Lock _gate = new();
    private readonly Dictionary<FragmentKey, Assembly> _assemblies = [];
    private readonly Stack<Assembly> _spare = new();
    private readonly IpDropCounters _drops;
    private readonly TimedOut _onTimeout;
    private readonly DeadlineTimer _timer;
    private int _bytes;

    /// <param name="time">The clock.</param>
    /// <param name="drops">Where drops are counted.</param>
    /// <param name="onTimeout">Called, outside the lock, when a packet times out whose first fragment had arrived, with that
    /// fragment.</param>
    public IpReassembly(TimeProvider time, IpDropCounters drops, TimedOut onTimeout)
    {
        _drops = drops;
        _onTimeout = onTimeout;
        _timer = new DeadlineTimer(time, Expire);
    }

    internal delegate void TimedOut(ReadOnlySpan<byte> packet);

    internal int Count
    {
        get
        {
            lock (_gate)
            {
                return _assemblies.Count;
            }
        }
    }

    internal int BufferedBytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Adds a fragment.</summary>
    /// <param name="key">Which packet it belongs to.</param>
    /// <param name="header">With the first fragment: the packet's header as it would be unfragmented, but for lengths and checksum.</param>
    /// <param name="offset">Where the data belongs, in bytes.</param>
    /// <param name="data">The fragment's data.</param>
    /// <param name="more">More fragments follow this one.</param>
    /// <param name="packet">The whole packet, to be disposed of.</param>
    /// <returns>True when this was the last one missing.</returns>
    public bool TryAdd(
        in FragmentKey key, ReadOnlySpan<byte> header, int offset, ReadOnlySpan<byte> data, bool more, out ReassembledPacket packet)
    {
        packet = default;
        int end = offset + data.Length;
        int limit = key.Source.IsIPv4 ? MaxPayload - IpHeader.IPv4Length : MaxPayload;
        if (data.IsEmpty || end > limit || (more && data.Length % 8 != 0))
        {
            _drops.Count(IpDrop.Fragment);
            return false;
        }

        lock (_gate)
        {
            if (!_assemblies.TryGetValue(key, out var assembly))
            {
                assembly = Begin(key);
            }

            if (assembly.Condemned)
            {
                _drops.Count(IpDrop.Fragment);
                return false;
            }

            switch (assembly.Place(offset, end, more))
            {
                case Placement.Repeated:
                    return false;
                case Placement.Impossible:
                    _drops.Count(IpDrop.Fragment);
                    ReturnBuffer(assembly);
                    assembly.Condemned = true;
                    return false;
            }

            if (!TryGrow(assembly, HeaderRoom + end))
            {
                _drops.Count(IpDrop.ReassemblyLimit);
                Remove(assembly);
                return false;
            }

            data.CopyTo(assembly.Buffer.AsSpan(HeaderRoom + offset));
            if (offset == 0)
            {
                header.CopyTo(assembly.Buffer.AsSpan(HeaderRoom - header.Length));
                assembly.HeaderLength = header.Length;
            }

            if (!assembly.IsComplete)
            {
                return false;
            }

            packet = Detach(assembly, assembly.Total);
            return true;
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
            foreach (var assembly in _assemblies.Values)
            {
                Remove(assembly);
            }
        }
    }

    private Assembly Begin(in FragmentKey key)
    {
        // Evicts the oldest packet of this source address or of this member when that one has used up its share, so that one sender cannot
        // evict the packets of others; otherwise the oldest packet of all when the table is full.
        Assembly? oldest = null;
        Assembly? oldestOfSource = null;
        Assembly? oldestOfSender = null;
        int ofSource = 0;
        int ofSender = 0;
        foreach (var other in _assemblies.Values)
        {
            oldest = oldest is null || other.Deadline < oldest.Deadline ? other : oldest;
            if (other.Key.Source == key.Source)
            {
                ofSource++;
                oldestOfSource = oldestOfSource is null || other.Deadline < oldestOfSource.Deadline ? other : oldestOfSource;
            }

            if (other.Key.Sender == key.Sender)
            {
                ofSender++;
                oldestOfSender = oldestOfSender is null || other.Deadline < oldestOfSender.Deadline ? other : oldestOfSender;
            }
        }

        var victim = ofSource >= MaxPerSource ? oldestOfSource
            : ofSender >= MaxPerSender ? oldestOfSender
            : _assemblies.Count >= MaxPackets ? oldest : null;
        if (victim is not null)
        {
            _drops.Count(IpDrop.ReassemblyLimit);
            Remove(victim);
        }

        var assembly = _spare.Count > 0 ? _spare.Pop() : new Assembly();
        assembly.Key = key;
        assembly.Deadline = _timer.Now + TimeoutMs;
        _assemblies.Add(key, assembly);
        _timer.Require(assembly.Deadline);
        return assembly;
    }

    private bool TryGrow(Assembly assembly, int length)
    {
        if (assembly.Buffer.Length >= length)
        {
            return true;
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(length, 4096));
        if (_bytes + larger.Length - assembly.Buffer.Length > MaxBytes)
        {
            ArrayPool<byte>.Shared.Return(larger);
            return false;
        }

        _bytes += larger.Length;
        assembly.Buffer.CopyTo(larger, 0);
        ReturnBuffer(assembly);
        assembly.Buffer = larger;
        return true;
    }

    private ReassembledPacket Detach(Assembly assembly, int payloadLength)
    {
        byte[] buffer = assembly.Buffer;
        int header = assembly.HeaderLength;
        _bytes -= buffer.Length;
        assembly.Buffer = [];
        Remove(assembly);
        var packet = buffer.AsSpan(HeaderRoom - header, header + payloadLength);
        if (header == IpHeader.IPv4Length)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
            IpHeader.WriteIPv4Checksum(packet);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)payloadLength);
        }

        return new ReassembledPacket(buffer, HeaderRoom - header, packet.Length);
    }

    // Removing does not disturb an enumeration of the Dictionary.
    private void Remove(Assembly assembly)
    {
        _assemblies.Remove(assembly.Key);
        ReturnBuffer(assembly);
        assembly.Reset();
        _spare.Push(assembly);
    }

    private void ReturnBuffer(Assembly assembly)
    {
        if (assembly.Buffer.Length > 0)
        {
            _bytes -= assembly.Buffer.Length;
            ArrayPool<byte>.Shared.Return(assembly.Buffer);
            assembly.Buffer = [];
        }
    }

    private long Expire(long now)
    {
        long next = long.MaxValue;
        List<ReassembledPacket>? begun = null;
        lock (_gate)
        {
            foreach (var assembly in _assemblies.Values)
            {
                if (assembly.Deadline > now)
                {
                    next = Math.Min(next, assembly.Deadline);
                    continue;
                }

                _drops.Count(IpDrop.ReassemblyTimeout);
                if (assembly.HeaderLength > 0 && assembly.Buffer.Length > 0)
                {
                    (begun ??= []).Add(Detach(assembly, assembly.FirstLength));
                }
                else
                {
                    Remove(assembly);
                }
            }
        }

        foreach (var packet in begun ?? [])
        {
            _onTimeout(packet.Span);
            packet.Dispose();
        }

        return next;
    }

    private enum Placement
    {
        Placed,
        Repeated,
        Impossible,
    }

    private sealed class Assembly
    {
        // Sorted, and disjoint.
        private readonly (int Start, int End)[] _ranges = new (int, int)[MaxFragments];
        private int _count;
        private int _received;

        public FragmentKey Key { get; set; }

        public long Deadline { get; set; }

        public byte[] Buffer { get; set; } = [];

        public int HeaderLength { get; set; }

        /// <summary>Payload bytes of the whole packet; -1 before the last fragment has come.</summary>
        public int Total { get; private set; } = -1;

        /// <summary>Fragments overlapped or contradicted each other: later fragments are dropped until the packet times out.</summary>
        public bool Condemned { get; set; }

        public bool IsComplete => _received == Total;

        public int FirstLength => _ranges[0].End;

        public Placement Place(int start, int end, bool more)
        {
            int i = 0;
            while (i < _count && _ranges[i].Start < start)
            {
                i++;
            }

            if (i < _count && _ranges[i] == (start, end) && (more ? end != Total : end == Total))
            {
                return Placement.Repeated;
            }

            bool overlaps = (i > 0 && _ranges[i - 1].End > start) || (i < _count && _ranges[i].Start < end);
            bool beyond = Total >= 0 ? end > Total || !more || end == Total : !more && _count > 0 && _ranges[_count - 1].End > start;
            if (overlaps || beyond || _count == MaxFragments)
            {
                return Placement.Impossible;
            }

            Array.Copy(_ranges, i, _ranges, i + 1, _count - i);
            _ranges[i] = (start, end);
            _count++;
            _received += end - start;
            if (!more)
            {
                Total = end;
            }

            return Placement.Placed;
        }

        public void Reset()
        {
            _count = 0;
            _received = 0;
            HeaderLength = 0;
            Total = -1;
            Condemned = false;
        }
    }
}

/// <summary>A packet in a rented buffer.</summary>
internal readonly struct ReassembledPacket(byte[] buffer, int start, int length) : IDisposable
{
    public ReadOnlySpan<byte> Span => buffer.AsSpan(start, length);

    /// <summary>An IPv6 packet that came as a single fragment.</summary>
    public static ReassembledPacket From(ReadOnlySpan<byte> header, ReadOnlySpan<byte> data)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(header.Length + data.Length);
        header.CopyTo(buffer);
        data.CopyTo(buffer.AsSpan(header.Length));
        BinaryPrimitives.WriteUInt16BigEndian(buffer.AsSpan(4), (ushort)data.Length);
        return new ReassembledPacket(buffer, 0, header.Length + data.Length);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);
}
