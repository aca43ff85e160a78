using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ZeroTier.Managed.Datagrams.Platform;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>Several receive threads on one address and port.</summary>
public sealed class ReceiveThreadsTests
{
    private const int Threads = 4;
    private const int Sources = 64;
    private const int DatagramsPerSource = 50;

    public ReceiveThreadsTests() => Assert.SkipUnless(LinuxUdpCalls.IsSupported, "only Linux spreads sources");

    [Fact]
    public async Task Sources_are_spread_among_the_threads_and_each_stays_on_one_in_order()
    {
        await using var transport = Open(new RefusingCalls());
        var receiver = new ThreadReceiver();
        transport.Start(receiver);

        await SendAsync(transport.LocalEndPoints[0], receiver);

        Assert.Equal(Sources, receiver.Seen.Count);
        Assert.InRange(receiver.Seen.Values.Select(datagrams => datagrams[0].Thread).Distinct().Count(), 2, Threads);
        Assert.All(receiver.Seen.Values, datagrams =>
        {
            Assert.Equal(Enumerable.Range(0, DatagramsPerSource), datagrams.Select(d => d.Number));
            Assert.Single(datagrams.Select(d => d.Thread).Distinct());
            Assert.All(datagrams, d => Assert.Equal(0, d.Socket));
        });
        await UdpData.Until(() => transport.Statistics.DatagramsReceived == Sources * DatagramsPerSource);
    }

    [Fact]
    public async Task A_port_that_is_shared_by_threads_is_refused_to_others()
    {
        await using var transport = Open(new RefusingCalls());

        var refused = Assert.Throws<ZeroTierException>(() => Open(new RefusingCalls(), transport.LocalEndPoints[0].Port));

        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.IsType<SocketException>(refused.InnerException).SocketErrorCode);
    }

    /// <summary>
    /// The option is refused (15 is SO_REUSEPORT), or the only means to end a wait is a datagram, which another may receive.
    /// </summary>
    [Theory]
    [InlineData(15, 0)]
    [InlineData(0, 1)]
    public async Task Where_ports_cannot_be_shared_there_is_one_thread_which_ends(int option, int shutdownErrno)
    {
        var receiver = new ThreadReceiver();
        await using (var transport = Open(new RefusingCalls { RefusedOption = (option, 92), ShutdownErrno = shutdownErrno }))
        {
            transport.Start(receiver);
            await SendAsync(transport.LocalEndPoints[0], receiver);
        }

        Assert.Single(receiver.Seen.Values.Select(datagrams => datagrams[0].Thread).Distinct());
    }

    [Fact]
    public void A_number_out_of_range_is_named() =>
        Assert.Contains(
            "ReceiveThreads is 65",
            Assert.Throws<ArgumentException>(() => UdpDatagramTransport.Open(new() { LoopbackOnly = true, ReceiveThreads = 65 })).Message,
            StringComparison.Ordinal);

    private static UdpDatagramTransport Open(RefusingCalls calls, int port = 0) => UdpDatagramTransport.Open(
        new UdpDatagramTransportOptions { BindAddresses = [IPAddress.Loopback], Port = port, ReceiveThreads = Threads }, calls);

    private static async Task SendAsync(InetEndPoint destination, ThreadReceiver receiver)
    {
        // All open at the same time, so that each has a port of its own.
        Socket[] sources =
        [
            .. Enumerable.Range(0, Sources).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)),
        ];
        byte[] datagram = new byte[sizeof(int)];
        for (int i = 0; i < DatagramsPerSource; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(datagram, i);
            foreach (var source in sources)
            {
                source.SendTo(datagram, destination.ToIPEndPoint());
            }

            // The buffer of one socket does not hold all of them, and the threads may get no processor meanwhile.
            await UdpData.Until(() => receiver.Count == Sources * (i + 1));
        }

        foreach (var source in sources)
        {
            source.Dispose();
        }
    }

    private sealed class ThreadReceiver : IDatagramReceiver
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public ConcurrentDictionary<InetEndPoint, List<(int Thread, int Socket, int Number)>> Seen { get; } = new();

        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
        {
            Seen.GetOrAdd(source, _ => []).Add((Environment.CurrentManagedThreadId, socket, BinaryPrimitives.ReadInt32BigEndian(datagram)));
            Interlocked.Increment(ref _count);
        }

        public void OnBatchEnd(int socket)
        {
        }
    }
}
