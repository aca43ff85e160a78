namespace ZeroTier.Managed.Vl1;

/// <summary>
/// Packets that are written, armored and sent together. Rented from <see cref="Vl1Node.BeginBatch"/>, used by one thread, returned to the
/// pool by <see cref="Dispose"/>.
/// </summary>
/// <remarks>
/// A payload is written directly into the send buffer: reserve, write, commit. Consecutive packets of the same size over one path are
/// sent with one call to the transport. Nothing is allocated, and no lock is taken for reachable peers.
/// </remarks>
internal sealed class Vl1Batch : IDisposable
{
    private const int BufferSize = 64 * 1024;
    private const int MaxRuns = 64;
    private const int MaxRunDatagrams = 64;
    private const int MaxRunBytes = 65_507;

    private readonly Vl1Node _node;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);
    private readonly Run[] _runs = new Run[MaxRuns];
    private readonly PacketIds _ids;
    private int _runCount;
    private int _used;
    private int _reserved;

    public Vl1Batch(Vl1Node node)
    {
        _node = node;
        _ids = new PacketIds(node.Random);
    }

    /// <summary>Longest payload of one packet.</summary>
    public const int MaxPayload = Fragments.MaxPacketSize - PacketHeader.Size;

    /// <summary>
    /// Space for the bytes after the verb byte; its content is undefined. A reservation that is not committed has no effect. Sends when the
    /// buffer is full.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MaxPayload"/> bytes.</exception>
    public Span<byte> Reserve(int payloadLength)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)payloadLength, (uint)MaxPayload, nameof(payloadLength));
        int length = PacketHeader.Size + payloadLength;
        if (_used + Fragments.MaxTotalSize(length) > BufferSize || _runCount == MaxRuns)
        {
            Send();
        }

        _reserved = length;
        return _buffer.AsSpan(_used + PacketHeader.Size, payloadLength);
    }

    /// <summary>The reserved bytes again.</summary>
    public Span<byte> Reserved => _buffer.AsSpan(_used + PacketHeader.Size, _reserved - PacketHeader.Size);

    /// <summary>
    /// Encrypts the reserved packet for a node, in place. When the node cannot be reached yet, a copy waits for up to 5 s.
    /// </summary>
    public void Commit(NodeId destination, Verb verb)
    {
        var packet = _buffer.AsSpan(_used, _reserved);
        var payload = packet[PacketHeader.Size..];
        if (destination == _node.Id || _node.FindPeer(destination) is not { } peer)
        {
            _node.Enqueue(destination, verb, payload);
            return;
        }

        if (!_node.TryFindWay(peer, out var path, out var mtu))
        {
            _node.Enqueue(destination, verb, payload);
            return;
        }

        bool answered = ExpectedReplies.IsAnswered(verb, payload);
        int size = Fragments.SizeFor(packet.Length, mtu.Size);
        PacketHeader.Write(packet, _ids.Next(), destination, _node.Id, verb, packet.Length > size);
        try
        {
            if (path.TrustedId != 0 && !_node.IsRoot && peer.MayTrust(path))
            {
                TrustedPacket.Mark(packet, path.TrustedId);
            }
            else
            {
                peer.Keys.Arm(packet, peer.Route.Suite);
            }
        }
        catch (ObjectDisposedException)
        {
            // The node was disposed of while this thread was sending.
            _node.Drops.Add(DropReason.NoRoute);
            return;
        }

        if (answered)
        {
            _node.ExpectedReplies.Add(PacketHeader.PacketId(packet), destination);
        }

        int bytes = Fragments.Cut(_buffer.AsSpan(_used), packet.Length, size);
        Append(peer, path, mtu, Math.Min(packet.Length, size), bytes);
        _used += bytes;
    }

    /// <summary>Sends the committed packets. The batch can then be used again.</summary>
    public void Send()
    {
        if (_runCount == 0)
        {
            _used = 0;
            return;
        }

        long now = _node.Now;
        foreach (ref var run in _runs.AsSpan(0, _runCount))
        {
            run.Path.LastSent = now;
            run.Path.LastUsed = now;
            _node.Control.Transmit(run.Path.Socket, run.Path.EndPoint, _buffer.AsSpan(run.Start, run.Length), run.Segment);
            if (run.Mtu.IsDue(run.Segment, now))
            {
                _node.ProbeSize(run.Peer, run.Path, run.Mtu);
            }
        }

        _runs.AsSpan(0, _runCount).Clear();
        _runCount = 0;
        _used = 0;
    }

    /// <summary>Returns the batch to the pool; committed packets that were not sent are dropped.</summary>
    public void Dispose()
    {
        _runs.AsSpan(0, _runCount).Clear();
        _runCount = 0;
        _used = 0;
        _node.Return(this);
    }

    private void Append(Peer peer, PeerPath path, PathMtu mtu, int segment, int bytes)
    {
        int datagrams = (bytes + segment - 1) / segment;
        if (_runCount > 0)
        {
            ref var last = ref _runs[_runCount - 1];

            // All datagrams of a run but the last have the same size; so a shorter packet can end a run only if it is a single datagram.
            bool fits = segment == last.Segment || (segment < last.Segment && datagrams == 1);
            if (fits && !last.IsClosed && ReferenceEquals(last.Mtu, mtu)
                && last.Datagrams + datagrams <= MaxRunDatagrams && last.Length + bytes <= MaxRunBytes)
            {
                last.Length += bytes;
                last.Datagrams += datagrams;
                last.IsClosed = bytes % last.Segment != 0;
                return;
            }
        }

        _runs[_runCount++] = new Run
        {
            Peer = peer,
            Path = path,
            Mtu = mtu,
            Start = _used,
            Length = bytes,
            Segment = segment,
            Datagrams = datagrams,
            IsClosed = bytes % segment != 0,
        };
    }

    private struct Run
    {
        public Peer Peer;
        public PeerPath Path;
        public PathMtu Mtu;
        public int Start;
        public int Length;
        public int Segment;
        public int Datagrams;
        public bool IsClosed;
    }
}
