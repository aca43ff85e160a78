using System.Buffers;
using System.Net;
using System.Net.Sockets;
using ZeroTier.Engines;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// A UDP socket, with bounded queues of received and of outgoing datagrams between the application and the loop. Thread-safe.
/// </summary>
internal sealed class LibztDatagramSocket(SocketLoop loop, NetworkView bound, ZeroTierEndPoint endPoint) : IZeroTierDatagramSocket
{
    // The maximum of IPv4 and lwIP. Datagrams longer than one packet are fragmented and often lost (docs/protocol/4-libzt-api.md 9).
    private const int MaxDatagram = 65_507;
    private const int MaxWaiting = 512;
    private const int MaxWaitingBytes = 1024 * 1024;

    // Held briefly (at most one copy), never while application code runs.
    private readonly Lock _gate = new();
    private readonly Queue<Datagram> _received = new();
    private readonly LinkedList<TaskCompletionSource<Datagram>> _waiters = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Queue<Datagram> _outgoing = new();
    private Queue<Datagram> _sending = new();
    private TaskCompletionSource? _room;
    private volatile NetworkView _network = bound;
    private int _receivedBytes;
    private bool _isClosed;

    public ZeroTierEndPoint EndPoint => endPoint;

    /// <summary>The descriptors, one per address. Used on the loop's thread only.</summary>
    internal List<DatagramPort> Ports { get; } = [];

    public ValueTask SendToAsync(ReadOnlyMemory<byte> datagram, IPEndPoint destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return SendToCoreAsync(datagram, destination, cancellationToken);
    }

    private async ValueTask SendToCoreAsync(ReadOnlyMemory<byte> datagram, IPEndPoint destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        IPAddress address = destination.Address.IsIPv4MappedToIPv6 ? destination.Address.MapToIPv4() : destination.Address;
        if (datagram.Length > MaxDatagram)
        {
            throw SocketErrors.DatagramTooLong(datagram.Length, MaxDatagram);
        }

        if (!IsReachable(address))
        {
            throw SocketErrors.NoRoute(address, _network);
        }

        while (!TryEnqueue(datagram.Span, ZtsAddress.From(address, destination.Port), out Task room))
        {
            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<ZeroTierReceivedDatagram> ReceiveFromAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Datagram datagram;
        TaskCompletionSource<Datagram>? waiter = null;
        lock (_gate)
        {
            ThrowIfClosed();
            if (_received.TryDequeue(out datagram))
            {
                _receivedBytes -= datagram.Length;
            }
            else
            {
                waiter = new TaskCompletionSource<Datagram>(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiters.AddLast(waiter);
            }
        }

        if (waiter is not null)
        {
            using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
                static (state, token) => ((TaskCompletionSource<Datagram>)state!).TrySetCanceled(token), waiter);
            try
            {
                datagram = await waiter.Task.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                lock (_gate)
                {
                    _waiters.Remove(waiter);
                }

                throw;
            }
        }

        int length = Math.Min(datagram.Length, buffer.Length);
        datagram.Bytes.AsSpan(0, length).CopyTo(buffer.Span);
        datagram.Return();

        // No remote node: libzt does not expose the sending node, and the source address does not prove it.
        return new ZeroTierReceivedDatagram(length, datagram.Source!, remoteNode: null);
    }

    public void JoinGroup(IPAddress group) => throw NoGroups(group);

    public void LeaveGroup(IPAddress group) => throw NoGroups(group);

    public ValueTask DisposeAsync()
    {
        loop.Work.Schedule(static state => ((LibztDatagramSocket)state!).Close(), this);
        return new ValueTask(_closed.Task);
    }

    // libzt's lwIP is built without IGMP, and whatever groups lwIP joins, the node announces only those of its own addresses, so nothing
    // would arrive (docs/protocol/4-libzt-api.md 5; docs/protocol/3-vl2.md 3.8.1).
    private static ZeroTierException NoGroups(IPAddress group) => new(
        ZeroTierError.NotSupported,
        $"libzt cannot receive what is sent to multicast group {GroupAddress.Check(group)}. Use the managed engine (ManagedNode, or "
        + "ZeroTier:Engine=Managed), which can.");

    /// <summary>True for IPv4 multicast and limited broadcast addresses.</summary>
    internal static bool IsIPv4Group(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.AddressFamily == AddressFamily.InterNetwork && address.TryWriteBytes(bytes, out _) && bytes[0] >= 224;
    }

    /// <summary>Delivers a received datagram. Called on the loop's thread.</summary>
    internal void Deliver(ReadOnlySpan<byte> bytes, IPEndPoint source)
    {
        var datagram = Datagram.Copy(bytes, source, default);
        while (true)
        {
            TaskCompletionSource<Datagram> waiter;
            lock (_gate)
            {
                if (_waiters.First is not { } first)
                {
                    if (_isClosed || _received.Count >= MaxWaiting || _receivedBytes + bytes.Length > MaxWaitingBytes)
                    {
                        // The queue is full: the new datagram is dropped.
                        loop.Counters.DatagramDropped();
                        datagram.Return();
                        return;
                    }

                    _received.Enqueue(datagram);
                    _receivedBytes += bytes.Length;
                    break;
                }

                waiter = first.Value;
                _waiters.RemoveFirst();
            }

            if (waiter.TrySetResult(datagram))
            {
                break;
            }
        }

        loop.Counters.DatagramReceived(bytes.Length);
    }

    /// <summary>
    /// Closes the socket; pending calls fail. Called on the loop's thread, or on any thread after the loop has ended. Idempotent.
    /// </summary>
    internal void Close()
    {
        foreach (DatagramPort port in Ports)
        {
            port.Close();
        }

        Ports.Clear();
        TaskCompletionSource<Datagram>[] waiters;
        TaskCompletionSource? room;
        lock (_gate)
        {
            _isClosed = true;
            waiters = [.. _waiters];
            _waiters.Clear();
            room = _room;
            _room = null;
            Return(_received);
            Return(_outgoing);
            _receivedBytes = 0;
        }

        foreach (TaskCompletionSource<Datagram> waiter in waiters)
        {
            waiter.TrySetException(SocketErrors.DatagramPortClosed(endPoint));
        }

        room?.TrySetResult();
        _closed.TrySetResult();
    }

    /// <summary>Follows changed addresses of the network, for a socket on all addresses. Called on the loop's thread.</summary>
    internal void Follow(NetworkView network)
    {
        _network = network;
        foreach (IPNetworkAddress own in network.Addresses)
        {
            if (Ports.Find(p => p.Own.Address.Equals(own.Address)) is { } port)
            {
                port.Own = own;
                continue;
            }

            try
            {
                Ports.Add(loop.BindAlso(this, own));
            }
            catch (ZeroTierException e)
            {
                SocketLog.AddressNotBound(loop.Logger, endPoint, own.Address, e.Message);
            }
        }

        // At least one port remains, so that the loop still finds this socket.
        for (int i = Ports.Count - 1; i >= 0 && Ports.Count > 1; i--)
        {
            if (!network.Has(Ports[i].Own.Address))
            {
                Ports[i].Close();
                Ports.RemoveAt(i);
            }
        }
    }

    // Uses the last known addresses, and so does not need the loop's thread.
    private bool IsReachable(IPAddress address)
    {
        foreach (IPNetworkAddress own in _network.Addresses)
        {
            if (endPoint.Address is not null && !own.Address.Equals(endPoint.Address))
            {
                continue;
            }

            if (own.Contains(address)
                || own.Address.AddressFamily == address.AddressFamily && (address.IsIPv6Multicast || IsIPv4Group(address)))
            {
                return true;
            }
        }

        return false;
    }

    // False when the queue is full; the task then completes when there is room.
    private bool TryEnqueue(ReadOnlySpan<byte> bytes, ZtsAddress destination, out Task room)
    {
        bool wakes;
        lock (_gate)
        {
            ThrowIfClosed();
            if (_outgoing.Count >= MaxWaiting)
            {
                _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                room = _room.Task;
                return false;
            }

            room = Task.CompletedTask;
            wakes = _outgoing.Count == 0;
            _outgoing.Enqueue(Datagram.Copy(bytes, null, destination));
        }

        if (wakes)
        {
            loop.Work.Schedule(static state => ((LibztDatagramSocket)state!).Send(), this);
        }

        return true;
    }

    // On the loop's thread.
    private void Send()
    {
        TaskCompletionSource? room;
        lock (_gate)
        {
            (_outgoing, _sending) = (_sending, _outgoing);
            room = _room;
            _room = null;
        }

        while (_sending.TryDequeue(out Datagram datagram))
        {
            IPAddress? address = datagram.Destination.ToIPAddress();
            DatagramPort? port = address is null ? null : Ports.Find(p => p.Reaches(address));
            if (port is null)
            {
                loop.Counters.DatagramDropped();
            }
            else
            {
                port.Send(datagram.Bytes.AsSpan(0, datagram.Length), datagram.Destination);
            }

            datagram.Return();
        }

        room?.TrySetResult();
    }

    private void ThrowIfClosed()
    {
        if (_isClosed)
        {
            throw SocketErrors.DatagramPortClosed(endPoint);
        }
    }

    private static void Return(Queue<Datagram> datagrams)
    {
        while (datagrams.TryDequeue(out Datagram datagram))
        {
            datagram.Return();
        }
    }

    private readonly record struct Datagram(byte[] Bytes, int Length, IPEndPoint? Source, ZtsAddress Destination)
    {
        internal static Datagram Copy(ReadOnlySpan<byte> bytes, IPEndPoint? source, ZtsAddress destination)
        {
            byte[] copy = ArrayPool<byte>.Shared.Rent(bytes.Length);
            bytes.CopyTo(copy);
            return new Datagram(copy, bytes.Length, source, destination);
        }

        internal void Return() => ArrayPool<byte>.Shared.Return(Bytes);
    }
}
