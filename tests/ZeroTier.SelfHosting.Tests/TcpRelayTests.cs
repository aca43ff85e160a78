using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting.Tests;

/// <summary>A node behind a firewall that lets no UDP through, and a root that takes it by TCP.</summary>
public sealed class TcpRelayTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly NetworkId Network = NetworkId.AdHoc(1, 2);
    private readonly TestFolder _folder = new();

    public TcpRelayTests()
    {
        Directory.CreateDirectory(_folder["root"]);
        File.WriteAllText(_folder["root", "identity.secret"], TestIdentities.Text(0));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_node_without_UDP_is_online_and_reached_and_leaves_the_relay_when_UDP_is_back()
    {
        using var logs = new FakeLoggerProvider();
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(logs));
        var relay = new IPEndPoint(IPAddress.Loopback, FreeTcpPort());
        await using var root = await PrivateRoot.StartAsync(
            new PrivateRootOptions
            {
                StoragePath = _folder["root"],
                EndPoints = [new IPEndPoint(IPAddress.Loopback, FreePort.Udp())],
                TcpRelay = relay,
            }, Cancel);
        var firewall = new Firewall();
        await using var behind = new ManagedNode(new ManagedNodeOptions
        {
            Planet = root.Planet,
            Identity = TestIdentities.Get(1),
            Networks = [Network],
            TcpRelay = relay,
            TimeProvider = new AcceleratedTime(5),
            LoggerFactory = factory,
            DatagramTransportFactory = () => firewall,
        });
        await behind.StartAsync(Cancel);
        await behind.WaitForOnlineAsync(Cancel).WaitAsync(Limit, Cancel);
        Assert.DoesNotContain(behind.LocalEndPoints, endPoint => endPoint.Port == 0);
        Assert.Contains(logs.Collector.GetSnapshot(), record => record.Id == 1114);

        await using var member = new ManagedNode(
            new ManagedNodeOptions { Planet = root.Planet, Identity = TestIdentities.Get(2), Networks = [Network] });
        await member.StartAsync(Cancel);
        await AnswerAsync(member, Network.GetSixPlaneAddress(behind.Id));
        await AnswerAsync(behind, Network.GetSixPlaneAddress(member.Id));

        firewall.IsOpen = true;
        using var limit = new CancellationTokenSource(Limit);
        while (!logs.Collector.GetSnapshot().Any(record => record.Id == 1115))
        {
            await Task.Delay(50, limit.Token);
        }

        await AnswerAsync(member, Network.GetSixPlaneAddress(behind.Id));
        Assert.True(behind.IsOnline);
    }

    [Fact]
    public async Task A_port_that_is_taken_fails_the_start_with_the_remedy()
    {
        using var squatter = new Socket(SocketType.Stream, ProtocolType.Tcp);
        squatter.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        squatter.Listen();
        var options = new PrivateRootOptions
        {
            StoragePath = _folder["root"],
            EndPoints = [new IPEndPoint(IPAddress.Loopback, FreePort.Udp())],
            TcpRelay = (IPEndPoint)squatter.LocalEndPoint!,
        };
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => PrivateRoot.StartAsync(options, Cancel));
        Assert.Equal(ZeroTierError.Underlay, error.Error);
        Assert.Contains("8443", error.Message, StringComparison.Ordinal);
        await using var root = await PrivateRoot.StartAsync(options with { TcpRelay = null }, Cancel);
    }

    private static int FreeTcpPort()
    {
        using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private static async Task AnswerAsync(ManagedNode node, IPAddress address)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            try
            {
                await node.PingAsync(Network, address, timeout: TimeSpan.FromSeconds(2), cancellationToken: limit.Token);
                return;
            }
            catch (ZeroTierException exception) when (exception.Error == ZeroTierError.TimedOut)
            {
                limit.Token.ThrowIfCancellationRequested();
            }
        }
    }

    private sealed class Firewall : IDatagramTransport
    {
        private readonly UdpDatagramTransport _inner = UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true });

        public volatile bool IsOpen;

        public IReadOnlyList<InetEndPoint> LocalEndPoints => _inner.LocalEndPoints;

        public void Start(IDatagramReceiver receiver) => _inner.Start(receiver);

        public void Send(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            if (IsOpen)
            {
                _inner.Send(socket, destination, datagrams, segmentSize);
            }
        }

        public void SendWithHopLimit(int socket, in InetEndPoint destination, ReadOnlySpan<byte> datagram, int hops)
        {
            if (IsOpen)
            {
                _inner.SendWithHopLimit(socket, destination, datagram, hops);
            }
        }

        public ValueTask DisposeAsync() => _inner.DisposeAsync();
    }
}
