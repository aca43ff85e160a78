using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ZeroTier;
using ZeroTier.Managed;
using ZeroTier.Managed.Vl1.Packets;

namespace Root;

/// <summary>
/// Many clients on one socket, each with an address of its own in 127.0.0.0/8. Sends a load and counts what arrives. Used by one thread.
/// </summary>
internal sealed class ClientSwarm : IDisposable
{
    private const int MessagesAtOnce = 32;
    private const int LargestMessage = 65_536;

    // Below the rate at which a restarted root brings peers of its cache back.
    private const int HellosAtOnce = 20;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly Socket _socket = LoopbackSocket.Open(IPAddress.Any);
    private readonly Messages _sending = new(MessagesAtOnce);
    private readonly Messages _receiving = new(2 * MessagesAtOnce, LargestMessage);
    private readonly Planet _planet;
    private readonly IPEndPoint _root;
    private readonly Client[] _clients;
    private readonly Dictionary<NodeId, Client> _byId;
    private readonly NodeId _rootId;
    private readonly int _window;
    private bool _isKnown;

    /// <param name="clients">The clients.</param>
    /// <param name="planet">The root's planet.</param>
    /// <param name="window">Datagrams under way at most.</param>
    public ClientSwarm(Client[] clients, Planet planet, int window)
    {
        _clients = clients;
        _byId = clients.ToDictionary(client => client.Id);
        _planet = planet;
        _root = planet.Roots[0].EndPoints[0].ToIPEndPoint();
        _rootId = planet.Roots[0].Identity.Address;
        _window = window;
        _socket.ReceiveTimeout = (int)Silence.TotalMilliseconds;
    }

    /// <summary>The first pairs.</summary>
    public IEnumerable<(Client Sender, Client Receiver)> Pairs(int count) =>
        Enumerable.Range(0, count).Select(i => (_clients[2 * i], _clients[2 * i + 1]));

    public byte[] HelloOf(Client client) => client.Greet(_planet, _root);

    /// <summary>
    /// Sends HELLO of all clients until the root has answered each, and knows its path. To be repeated within the minutes for which a root
    /// remembers a silent client.
    /// </summary>
    public void Greet()
    {
        long start = Stopwatch.GetTimestamp();
        (Client Client, byte[] Hello)[] hellos = [.. _clients.Select(client => (client, HelloOf(client)))];
        while (Array.FindAll(hellos, hello => !hello.Client.IsGreeted) is { Length: > 0 } missing)
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                throw new TimeoutException($"The root has not answered {missing.Length} clients.");
            }

            foreach (var some in missing.Chunk(_isKnown ? _window : HellosAtOnce))
            {
                foreach (var (client, hello) in some)
                {
                    SendToRoot(client, hello);
                }

                ReceiveFromRoot();
            }
        }

        _isKnown = true;
    }

    /// <summary>Has the root relay the first message of a load.</summary>
    /// <exception cref="InvalidOperationException">What arrives is not what was sent, one hop further.</exception>
    public void Check(Load load)
    {
        var (data, segment, from) = load.Messages[0];
        byte[] expected = data.ToArray();
        for (int at = 0; at < expected.Length; at += segment)
        {
            var datagram = expected.AsSpan(at);
            datagram[Fragments.IsFragment(datagram) ? Fragments.HopsOffset : PacketHeader.FlagsOffset]++;
        }

        // More than once, since a busy machine may need longer than the socket waits.
        var arrived = new List<byte>();
        for (int attempt = 0; attempt < 10 && arrived.Count == 0; attempt++)
        {
            _sending.Set(0, data, segment, from, SocketAddressOf(_root));
            _sending.Send(_socket.SafeHandle, 1);
            Collect(arrived);
        }

        if (!expected.AsSpan().SequenceEqual(CollectionsMarshal.AsSpan(arrived)))
        {
            throw new InvalidOperationException($"{load.Name}: {expected.Length} bytes were sent, {arrived.Count} arrived, or others.");
        }
    }

    // Adds the bytes of what the root has relayed.
    private void Collect(List<byte> arrived)
    {
        while (_receiving.Receive(_socket.SafeHandle) is > 0 and int count)
        {
            for (int i = 0; i < count; i++)
            {
                foreach (var datagram in _receiving.DatagramsOf(i))
                {
                    if (!IsOfRoot(datagram))
                    {
                        arrived.AddRange(datagram);
                    }
                }
            }
        }
    }

    /// <summary>Offers a load as fast as it is carried, for this long.</summary>
    public Carried Offer(Load load, IPEndPoint target, TimeSpan duration)
    {
        byte[] to = SocketAddressOf(target);
        var carried = default(Carried);
        long start = Stopwatch.GetTimestamp();
        int next = 0;
        long underWay = 0;
        while (Stopwatch.GetElapsedTime(start) < duration)
        {
            int count = 0;
            for (; count < MessagesAtOnce && underWay < _window; count++)
            {
                var message = load.Messages[next];
                next = (next + 1) % load.Messages.Count;
                _sending.Set(count, message.Data, message.Segment, message.From, to);
                underWay += message.Datagrams;
                carried.Sent += message.Datagrams;
            }

            _sending.Send(_socket.SafeHandle, count);
            long before = carried.Arrived;
            carried = Receive(load, to, carried, out bool silent);
            underWay = silent ? 0 : Math.Max(0, underWay - (carried.Arrived - before));
        }

        carried.Time = Stopwatch.GetElapsedTime(start);
        for (bool silent = false; !silent;)
        {
            carried = Receive(load, to, carried, out silent);
        }

        return carried;
    }

    /// <summary>Offers a load to the root, all its messages once in this interval, evenly.</summary>
    public async Task<Carried> OfferEvenlyAsync(Load load, TimeSpan interval, TimeSpan duration)
    {
        byte[] to = SocketAddressOf(_root);
        var carried = default(Carried);
        long start = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(Step);
        while (carried.Time < duration)
        {
            await timer.WaitForNextTickAsync();
            carried.Time = Stopwatch.GetElapsedTime(start);
            long due = (long)(load.Messages.Count * (carried.Time / interval));
            for (; carried.Sent < due; carried.Sent++)
            {
                var message = load.Messages[(int)(carried.Sent % load.Messages.Count)];
                _sending.Set(0, message.Data, message.Segment, message.From, to);
                _sending.Send(_socket.SafeHandle, 1);
            }

            carried = Receive(load, to, carried, out _, wait: false);
        }

        for (bool silent = false; !silent;)
        {
            carried = Receive(load, to, carried, out silent);
        }

        return carried;
    }

    public void Dispose()
    {
        _sending.Dispose();
        _receiving.Dispose();
        _socket.Dispose();
    }

    private Carried Receive(Load load, ReadOnlySpan<byte> target, Carried carried, out bool silent, bool wait = true)
    {
        int count = _receiving.Receive(_socket.SafeHandle, wait);
        silent = count == 0;
        bool isRoot = target.SequenceEqual(SocketAddressOf(_root));
        for (int i = 0; i < count; i++)
        {
            if (!_receiving.Address(i)[..8].SequenceEqual(target[..8]))
            {
                continue;
            }

            foreach (var datagram in _receiving.DatagramsOf(i))
            {
                if (!isRoot || Counts(load, datagram))
                {
                    carried.Arrived++;
                    carried.Bytes += datagram.Length;
                }
            }
        }

        return carried;
    }

    // The root also sends packets of its own: HELLO, ECHO, introductions. Only OKs have these sizes.
    private bool Counts(Load load, ReadOnlySpan<byte> datagram) =>
        load.AnswerLength == 0 ? !IsOfRoot(datagram) : IsOfRoot(datagram) && datagram.Length == load.AnswerLength;

    private bool IsOfRoot(ReadOnlySpan<byte> datagram) => !Fragments.IsFragment(datagram) && PacketHeader.Source(datagram) == _rootId;

    private static byte[] SocketAddressOf(IPEndPoint endPoint) => endPoint.Serialize().Buffer.ToArray()[..16];

    private void SendToRoot(Client client, byte[] packet)
    {
        _sending.Set(0, packet, packet.Length, client.Address, SocketAddressOf(_root));
        _sending.Send(_socket.SafeHandle, 1);
    }

    private void ReceiveFromRoot()
    {
        while (_receiving.Receive(_socket.SafeHandle) is > 0 and int count)
        {
            for (int i = 0; i < count; i++)
            {
                foreach (var packet in _receiving.DatagramsOf(i))
                {
                    if (IsOfRoot(packet) && _byId.TryGetValue(PacketHeader.Destination(packet), out var client)
                        && client.Receive(packet) is { } answer)
                    {
                        SendToRoot(client, answer);
                    }
                }
            }
        }
    }
}
