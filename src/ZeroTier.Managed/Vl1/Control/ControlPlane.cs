using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Control;

/// <summary>
/// The control plane's lock, and the sending of its packets. Packets and notifications made under the lock are collected in an
/// <see cref="Outbox"/> and executed when the lock is released: neither the transport nor the layer above is called under it.
/// </summary>
/// <remarks>Members named Emit, Notify and Tell are to be called under the lock; the others are thread-safe.</remarks>
internal sealed class ControlPlane
{
    public const int ReplyHeaderSize = 9;

    private const int Created = 0;
    private const int Running = 1;
    private const int Disposed = 2;

    private readonly IDatagramTransport _transport;
    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private readonly Action<Outbox.Notice> _tell;
    private readonly PacketIds _ids;
    private readonly byte[] _scratch = new byte[Fragments.MaxTotalSize(Fragments.MaxPacketSize)];
    private readonly byte[] _payload = new byte[Fragments.MaxPacketSize - PacketHeader.Size];
    private Outbox _outbox = new();
    private Outbox? _spareOutbox;
    private volatile int _state;
    private long _latelyNow;

    public ControlPlane(
        NodeIdentity identity,
        IDatagramTransport transport,
        TimeProvider time,
        RandomSource random,
        DropCounters drops,
        Action<Outbox.Notice> tell)
    {
        Identity = identity;
        _transport = transport;
        _time = time;
        _tell = tell;
        Random = random;
        _ids = new PacketIds(random);
        Drops = drops;
        _startTimestamp = time.GetTimestamp();
        StartUnixMilliseconds = time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    /// <summary>Taken directly only by code that sends and notifies nothing; all other code uses <see cref="Enter"/>.</summary>
    public Lock Lock { get; } = new();

    /// <summary>Our identity.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>Our ZeroTier address.</summary>
    public NodeId Id => Identity.Address;

    public RandomSource Random { get; }

    public DropCounters Drops { get; }

    public TrafficCounters Traffic { get; } = new();

    public ExpectedReplies ExpectedReplies { get; } = new();

    /// <summary>The endpoints of our sockets; the index is the socket number.</summary>
    public IReadOnlyList<InetEndPoint> Sockets => _transport.LocalEndPoints;

    /// <summary>
    /// Whether a socket is a UDP socket. The socket of a TCP relay has port 0: endpoints seen through it are those of the relay's machine,
    /// not of a UDP socket of ours.
    /// </summary>
    public bool IsUdp(int socket) => Sockets[socket].Port != 0;

    /// <summary>Milliseconds since the node was created.</summary>
    public long Now
    {
        get
        {
            long now = (long)_time.GetElapsedTime(_startTimestamp).TotalMilliseconds;

            // Written once in a millisecond only: what stands beside it is read for every packet by all threads.
            if (Volatile.Read(ref _latelyNow) != now)
            {
                Volatile.Write(ref _latelyNow, now);
            }

            return now;
        }
    }

    /// <summary>
    /// <see cref="Now"/> as it was last read: at the latest when the batch of datagrams began that is being received, and never longer ago
    /// than <see cref="Vl1Timing.Tick"/>. For what is noted of every packet, since reading the clock costs as much as finding a peer.
    /// </summary>
    public long LatelyNow => Volatile.Read(ref _latelyNow);

    public long StartUnixMilliseconds { get; }

    public bool IsStarted => _state != Created;

    public bool IsRunning => _state == Running;

    public bool IsDisposed => _state == Disposed;

    /// <summary>False when the node was started or disposed before.</summary>
    public bool TryStart() => Interlocked.CompareExchange(ref _state, Running, Created) == Created;

    /// <summary>False when the node was disposed before.</summary>
    public bool TryDispose() => Interlocked.Exchange(ref _state, Disposed) != Disposed;

    /// <summary>Takes the lock; disposing the scope releases it.</summary>
    public Scope Enter()
    {
        Lock.Enter();
        return new Scope(this);
    }

    /// <summary>Sends datagrams immediately, without the outbox.</summary>
    public void Transmit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segment)
    {
        if (_state != Running)
        {
            return;
        }

        Traffic.AddSent((datagrams.Length + segment - 1) / segment, datagrams.Length);
        _transport.Send(socket, destination, datagrams, Math.Min(segment, datagrams.Length));
    }

    /// <summary>Sends a packet to an endpoint of a peer.</summary>
    public void Emit(Peer peer, Verb verb, ReadOnlySpan<byte> payload, CipherSuite suite, int socket, in InetEndPoint destination)
    {
        if (peer.IsForgotten)
        {
            return;
        }

        // For an endpoint that is not a path of the peer: the base size, which passes everywhere.
        int mtu = PathMtu.Base;
        if (peer.FindPath(socket, destination) is { } path)
        {
            path.LastSent = Now;
            mtu = path.Mtu.Size;
        }

        Emit(peer.Keys, peer.Id, verb, payload, suite, socket, destination, mtu);
    }

    /// <summary>Sends a packet with a random packet ID and registers the expected reply. Returns the ID on the wire.</summary>
    public ulong Emit(
        SessionKeys keys,
        NodeId to,
        Verb verb,
        ReadOnlySpan<byte> payload,
        CipherSuite suite,
        int socket,
        in InetEndPoint destination,
        int mtu,
        int helloTail = HelloMessage.TailSize)
    {
        if (_state == Disposed)
        {
            return 0;
        }

        ulong onTheWire = EmitWithId(_ids.Next(), keys, to, verb, payload, suite, socket, destination, mtu, helloTail);
        if (ExpectedReplies.IsAnswered(verb, payload))
        {
            ExpectedReplies.Add(onTheWire, to);
        }

        return onTheWire;
    }

    /// <summary>
    /// Builds, encrypts and fragments a packet and adds it to the outbox. HELLO is never fragmented, since it may be an MTU probe. Returns
    /// the ID on the wire.
    /// </summary>
    public ulong EmitWithId(
        ReadOnlySpan<byte> id,
        SessionKeys keys,
        NodeId to,
        Verb verb,
        ReadOnlySpan<byte> payload,
        CipherSuite suite,
        int socket,
        in InetEndPoint destination,
        int mtu,
        int helloTail = HelloMessage.TailSize)
    {
        var packet = _scratch.AsSpan(0, PacketHeader.Size + payload.Length);
        payload.CopyTo(packet[PacketHeader.Size..]);
        int size = verb == Verb.Hello ? packet.Length : Fragments.SizeFor(packet.Length, mtu);
        PacketHeader.Write(packet, id, to, Id, verb, packet.Length > size);
        if (verb == Verb.Hello)
        {
            keys.CryptHelloTail(packet, packet.Length - helloTail);
        }

        keys.Arm(packet, suite);
        _outbox.Add(socket, destination, _scratch.AsSpan(0, Fragments.Cut(_scratch, packet.Length, size)), size);
        return PacketHeader.PacketId(packet);
    }

    /// <summary>
    /// Answers a packet with OK, to its source endpoint. False when that is not validated and the anti-amplification credit does not cover
    /// the answer.
    /// </summary>
    public bool EmitOk(Peer peer, in PacketInfo request, Verb requestVerb, ReadOnlySpan<byte> data)
    {
        var payload = _payload.AsSpan(0, Math.Min(_payload.Length, ReplyHeaderSize + data.Length));
        payload[0] = (byte)requestVerb;
        BinaryPrimitives.WriteUInt64BigEndian(payload[1..], request.PacketId);
        data[..(payload.Length - ReplyHeaderSize)].CopyTo(payload[ReplyHeaderSize..]);
        return EmitAnswer(peer, request, Verb.Ok, payload);
    }

    /// <summary>Answers a packet with ERROR, to its source endpoint.</summary>
    public void EmitError(Peer peer, in PacketInfo request, Verb requestVerb, ErrorCode code, ReadOnlySpan<byte> data)
    {
        var payload = _payload.AsSpan(0, Math.Min(_payload.Length, ReplyHeaderSize + 1 + data.Length));
        payload[0] = (byte)requestVerb;
        BinaryPrimitives.WriteUInt64BigEndian(payload[1..], request.PacketId);
        payload[ReplyHeaderSize] = (byte)code;
        data[..(payload.Length - ReplyHeaderSize - 1)].CopyTo(payload[(ReplyHeaderSize + 1)..]);
        EmitAnswer(peer, request, Verb.Error, payload);
    }

    /// <summary>Sends bytes that are not a packet, with a small TTL (hop limit), so that a router drops them on the way.</summary>
    public void EmitRaw(int socket, in InetEndPoint destination, ReadOnlySpan<byte> bytes, int hopLimit) =>
        _outbox.Add(socket, destination, bytes, bytes.Length, hopLimit);

    public void Notify(Peer peer, PeerChange change) => Tell(new Outbox.Notice(NoticeKind.PeerChanged, peer, change));

    public void Tell(in Outbox.Notice notice) => _outbox.Add(notice);

    private bool EmitAnswer(Peer peer, in PacketInfo request, Verb verb, ReadOnlySpan<byte> payload)
    {
        int length = PacketHeader.Size + payload.Length;
        if (!peer.IsProven(request)
            && !peer.UnprovenPlaces.TrySpend(request.Source, Fragments.TotalSize(length, Fragments.SizeFor(length, PathMtu.Base))))
        {
            Drops.Add(DropReason.Amplification);
            return false;
        }

        Emit(peer, verb, payload, peer.Suite, request.Socket, request.Source);
        return true;
    }

    // Releases the lock, then sends the packets and raises the notifications collected under it.
    private void Leave()
    {
        Outbox? outbox = null;
        if (!_outbox.IsEmpty)
        {
            outbox = _outbox;
            _outbox = _spareOutbox ?? new Outbox();
            _spareOutbox = null;
        }

        Lock.Exit();
        if (outbox is null)
        {
            return;
        }

        foreach (ref readonly var datagram in outbox.Datagrams)
        {
            var bytes = outbox.BytesOf(datagram);
            if (datagram.HopLimit == 0)
            {
                Transmit(datagram.Socket, datagram.Destination, bytes, datagram.Segment);
            }
            else if (_state == Running)
            {
                Traffic.AddSent(1, bytes.Length);
                _transport.SendWithHopLimit(datagram.Socket, datagram.Destination, bytes, datagram.HopLimit);
            }
        }

        foreach (ref readonly var notice in outbox.Notices)
        {
            _tell(notice);
        }

        outbox.Clear();
        lock (Lock)
        {
            _spareOutbox ??= outbox;
        }
    }

    public readonly ref struct Scope(ControlPlane control)
    {
        public void Dispose() => control.Leave();
    }
}
