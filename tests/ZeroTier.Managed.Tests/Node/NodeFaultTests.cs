using ZeroTier.Conformance;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Managed.Tests.Conformance;

namespace ZeroTier.Managed.Tests.Node;

/// <summary>What an application gives to a whole node, and that fails (rule 6.14): the node lives, and carries bytes.</summary>
public sealed class NodeFaultTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly NetworkId Network = NetworkId.AdHoc(0, ushort.MaxValue);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_6_14_A_node_lives_with_a_scheduler_a_network_and_a_log_that_fail()
    {
        var log = new FaultLog();
        var transport = new FaultyTransport(UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true }));
        await using var world = await LoopbackWorld.StartAsync(Token);
        await using var node = world.CreateNode(options => options with
        {
            Identity = world.NextIdentity(),
            Networks = [Network],
            Scheduler = new FaultyScheduler(runs: false),
            DatagramTransportFactory = () => transport,
            LoggerFactory = log,
        });
        var caller = world.CreateNode(options => options with { Identity = world.NextIdentity(), Networks = [Network] });
        var events = new List<ZeroTierEventCode>();
        using var subscription = node.Subscribe();
        var listening = Task.Run(
            async () =>
            {
                await foreach (var change in subscription.ReadAllAsync(Token))
                {
                    events.Add(change.Code);
                }
            },
            Token);
        await Bounded(node.StartAsync(Token));
        await Bounded(caller.StartAsync(Token));
        await Bounded(node.WaitForOnlineAsync(Token));
        await Bounded(caller.WaitForOnlineAsync(Token));
        var ready = await Bounded(node.WaitForNetworkAsync(Network, Token));
        await using var listener = await node.ListenAsync(new ZeroTierEndPoint(Network, 80), Token);
        for (int round = 0; round < 5; round++)
        {
            log.Throws = round % 2 == 0;
            var accepting = listener.AcceptAsync(Token).AsTask();
            await using var client = await Bounded(
                caller.ConnectAsync(new ZeroTierEndPoint(Network, ready.Addresses[0].Address, 80), Token).AsTask());
            await using var server = await Bounded(accepting);
            var received = server!.Input.ReadAtLeastAsync(100_000, Token).AsTask();
            await Bounded(client.Output.WriteAsync(new byte[100_000], Token).AsTask());
            Assert.Equal(100_000, (await Bounded(received)).Buffer.Length);
        }

        await Bounded(node.DrainAsync(Token).AsTask());
        await Bounded(node.StopAsync(Token));
        log.Throws = false;
        await Bounded(node.DisposeAsync().AsTask());
        await Bounded(listening);

        Assert.Contains(ZeroTierEventCode.NodeOnline, events);
        Assert.Contains(ZeroTierEventCode.NodeDown, events);
        Assert.True(transport.Failures > 0);
    }

    [Fact]
    public void Rule_6_14_A_receiver_that_throws_is_not_seen_by_the_network_that_delivers()
    {
        var log = new FaultLog();
        var inner = new FaultyTransport(null);
        var transport = new ShieldedTransport(inner, log);
        var receiver = new ThrowingReceiver();
        transport.Start(receiver);
        for (int i = 0; i < 3; i++)
        {
            inner.Receiver!.OnDatagram(0, default, [1, 2, 3]);
            inner.Receiver.OnRefused(0, default, 1500);
            inner.Receiver.OnBatchEnd(0);
        }

        Assert.Equal(3, receiver.Refused);
        Assert.Contains("delivered could not be handled", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    private static Task Bounded(Task task) => task.WaitAsync(Limit, Token);

    private static Task<T> Bounded<T>(Task<T> task) => task.WaitAsync(Limit, Token);

    private sealed class ThrowingReceiver : IDatagramReceiver
    {
        public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram) =>
            throw new InvalidDataException("The datagram failed.");

        public int Refused { get; private set; }

        public void OnRefused(int socket, in InetEndPoint destination, int size)
        {
            Refused++;
            throw new InvalidDataException("The refusal failed.");
        }

        public void OnBatchEnd(int socket) => throw new InvalidDataException("The batch failed.");
    }

    /// <summary>Fails to send every third time.</summary>
    private sealed class FaultyTransport(UdpDatagramTransport? inner) : IDatagramTransport
    {
        private int _sends;
        private int _failures;

        public int Failures => Volatile.Read(ref _failures);

        public IDatagramReceiver? Receiver { get; private set; }

        public IReadOnlyList<InetEndPoint> LocalEndPoints => inner!.LocalEndPoints;

        public void Start(IDatagramReceiver receiver)
        {
            Receiver = receiver;
            inner?.Start(receiver);
        }

        public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            FailSometimes();
            inner!.Send(socket, destination, datagrams, segmentSize);
        }

        public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
        {
            FailSometimes();
            inner!.SendWithHopLimit(socket, destination, datagram, hops);
        }

        public ValueTask DisposeAsync() => inner!.DisposeAsync();

        private void FailSometimes()
        {
            if (Interlocked.Increment(ref _sends) % 3 == 0)
            {
                Interlocked.Increment(ref _failures);
                throw new InvalidDataException("The network failed.");
            }
        }
    }
}
