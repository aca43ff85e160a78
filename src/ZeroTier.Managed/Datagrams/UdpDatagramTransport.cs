using ZeroTier.Managed.Datagrams;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Datagrams.Platform;

namespace ZeroTier.Managed;

/// <summary>
/// The transport of real nodes: UDP sockets on every local address, all on the same port. On 64-bit Linux it uses segmentation offload and
/// receive coalescing if the kernel supports them, elsewhere .NET sockets. Unless addresses are configured, it follows those of the
/// machine. Thread-safe.
/// </summary>
public sealed class UdpDatagramTransport : IDatagramTransport
{
    private const int MaximumPayload = 65507;
    private const int MaximumSegments = 64;
    private readonly UdpDatagramTransportOptions _options;
    private readonly ILinuxUdpCalls _calls;
    private readonly Func<IReadOnlyList<IPAddress>> _machine;
    private readonly ushort _port;
    private volatile Slot[] _slots;
    private volatile IReadOnlyList<InetEndPoint> _localEndPoints;
    private IDatagramReceiver? _receiver;
    private AddressWatch? _watch;
    private int _started;

    private UdpDatagramTransport(UdpDatagramTransportOptions options, ILinuxUdpCalls calls, Func<IReadOnlyList<IPAddress>> machine)
    {
        _options = options;
        _calls = calls;
        _machine = machine;
        _slots = [.. UdpBinding.Bind(options, calls, FollowsMachine ? machine() : []).Select(group => new Slot(group))];
        _localEndPoints = ListEndPoints();
        _port = _localEndPoints[0].Port;
    }

    /// <inheritdoc />
    public IReadOnlyList<InetEndPoint> LocalEndPoints => _localEndPoints;

    /// <summary>True while every socket sends runs of datagrams with segmentation offload.</summary>
    public bool UsesSegmentationOffload => _slots.All(slot => slot.Socket is null or { SegmentationOffload: true });

    /// <summary>True when every socket receives runs of datagrams coalesced into one message.</summary>
    public bool UsesReceiveCoalescing => _slots.All(slot => slot.Socket is null or { ReceiveCoalescing: true });

    /// <summary>Counters since the start.</summary>
    public UdpDatagramStatistics Statistics
    {
        get
        {
            var sum = default(UdpDatagramStatistics);
            foreach (var slot in _slots)
            {
                sum = slot.Counters.AddTo(sum);
            }

            return sum;
        }
    }

    private bool FollowsMachine => _options.BindAddresses.Count == 0 && !_options.LoopbackOnly;

    /// <summary>Binds the sockets. Nothing is received before <see cref="Start"/>.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.Underlay"/>: the port is taken, or an address is not this machine's;
    /// everything opened is closed again.</exception>
    public static UdpDatagramTransport Open(UdpDatagramTransportOptions options) => Open(options, LinuxUdpCalls.Instance);

    internal static UdpDatagramTransport Open(
        UdpDatagramTransportOptions options, ILinuxUdpCalls calls, Func<IReadOnlyList<IPAddress>>? machine = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var local = new LocalAddresses(options.Logger, options.BlockedInterfaces, new AddressBlocks(options.BlockedNetworks));
        return new UdpDatagramTransport(options, calls, machine ?? local.Enumerate);
    }

    /// <inheritdoc />
    public void Start(IDatagramReceiver receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            throw new InvalidOperationException("The transport was started already.");
        }

        _receiver = receiver;
        foreach (var slot in _slots)
        {
            slot.Socket?.Start(receiver);
        }

        if (FollowsMachine)
        {
            _watch = new AddressWatch(LookAsync, _options.TimeProvider, _options.Logger);
        }
    }

    /// <inheritdoc />
    public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(segmentSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagrams.Length, MaximumPayload);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagrams.Length, (long)MaximumSegments * segmentSize, nameof(datagrams));
        SocketFor(socket, destination, (datagrams.Length + segmentSize - 1) / segmentSize)?.Send(destination, datagrams, segmentSize);
    }

    /// <inheritdoc />
    public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hops);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hops, 255);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagram.Length, MaximumPayload);
        SocketFor(socket, destination, 1)?.SendWithHopLimit(destination, datagram, hops);
    }

    /// <summary>Ends the receive threads and closes the sockets. When it completes, nothing more is delivered.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_watch is { } watch)
        {
            await watch.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var slot in _slots)
        {
            if (slot.Socket is { } socket)
            {
                await socket.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private UdpSocketGroup? SocketFor(int number, in InetEndPoint destination, int datagrams)
    {
        var slot = _slots[number];
        if (slot.Socket is not { } socket)
        {
            slot.Counters.SendFailed(SocketError.AddressNotAvailable, datagrams);
            return null;
        }

        // A peer may announce port 0, to which nothing can be sent.
        if (destination.Family != slot.Family || destination.Port == 0)
        {
            slot.Counters.SendFailed(SocketError.AddressFamilyNotSupported, datagrams);
            return null;
        }

        return socket;
    }

    private async Task LookAsync()
    {
        try
        {
            await FollowAsync(_machine()).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // If the addresses cannot be enumerated, the open sockets stay in use, and are closed at the end.
        catch (Exception e)
#pragma warning restore CA1031
        {
            UdpLog.AddressesNotFollowed(_options.Logger, AddressWatch.Interval, e);
        }
    }

    /// <summary>
    /// Closes the sockets of addresses that the machine has lost, and opens sockets for new ones, reusing free socket numbers first.
    /// </summary>
    private async Task FollowAsync(IReadOnlyList<IPAddress> machine)
    {
        InetEndPoint[] wanted = [.. machine.Select(address => InetEndPoint.From(new IPEndPoint(address, _port)))];
        bool closed = await CloseLostAsync(wanted).ConfigureAwait(false);
        var added = OpenAdded(wanted);
        if (!closed && added.Count == 0)
        {
            return;
        }

        // The list is published before the sockets start, because datagrams are delivered with indexes into it.
        _localEndPoints = ListEndPoints();
        foreach (var socket in added)
        {
            socket.Start(_receiver!);
        }

        if (_localEndPoints.All(endPoint => endPoint.IsNone))
        {
            UdpLog.NoAddressLeft(_options.Logger);
        }
        else
        {
            UdpLog.AddressesChanged(_options.Logger, string.Join(", ", _localEndPoints.Where(endPoint => !endPoint.IsNone)));
        }
    }

    private async Task<bool> CloseLostAsync(InetEndPoint[] wanted)
    {
        bool changed = false;
        foreach (var slot in _slots)
        {
            if (slot.Socket is { } socket && IsLost(socket.LocalEndPoint, wanted))
            {
                slot.Socket = null;
                changed = true;
                await socket.DisposeAsync().ConfigureAwait(false);
            }
        }

        return changed;
    }

    // A wildcard was bound because the machine had no address of the family, or did not reveal it; it is kept until there is one.
    private static bool IsLost(InetEndPoint bound, InetEndPoint[] wanted) => Array.IndexOf(wanted, bound) < 0
        && (!bound.IsWildcard || Array.Exists(wanted, endPoint => endPoint.Family == bound.Family));

    private List<UdpSocketGroup> OpenAdded(InetEndPoint[] wanted)
    {
        var added = new List<UdpSocketGroup>();
        foreach (var endPoint in wanted)
        {
            var slots = _slots;
            if (Array.Exists(slots, slot => slot.Socket?.LocalEndPoint == endPoint))
            {
                continue;
            }

            int number = Array.FindIndex(slots, slot => slot.Socket is null && slot.Family == endPoint.Family);
            var counters = number < 0 ? new UdpCounters() : slots[number].Counters;
            if (UdpBinding.TryBind(_options, _calls, endPoint, number < 0 ? slots.Length : number, counters) is not { } socket)
            {
                continue;
            }

            added.Add(socket);
            if (number < 0)
            {
                _slots = [.. slots, new Slot(socket)];
            }
            else
            {
                slots[number].Socket = socket;
            }
        }

        return added;
    }

    private InetEndPoint[] ListEndPoints() => [.. _slots.Select(slot => slot.Socket?.LocalEndPoint ?? default)];

    /// <summary>A socket number. Its family and counters stay when its address changes.</summary>
    private sealed class Slot(UdpSocketGroup socket)
    {
        private volatile UdpSocketGroup? _socket = socket;

        public AddressFamily Family { get; } = socket.LocalEndPoint.Family;

        public UdpCounters Counters { get; } = socket.Counters;

        /// <summary>Null while no address of the machine has this number.</summary>
        public UdpSocketGroup? Socket
        {
            get => _socket;
            set => _socket = value;
        }
    }
}
