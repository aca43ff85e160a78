using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>
/// The same on real threads, sockets and proofs of work. Times are reported, not judged: the machine may have other things to do.
/// </summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class Vl1AdmissionLoadTests(ITestOutputHelper output)
{
    private const int FloodPerSecond = 5_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task New_nodes_get_in_under_a_flood_and_a_known_one_is_answered_meanwhile()
    {
        await using var root = RealNode.Start(TestIdentities.All[0], null);
        var planet = root.Node.Planet;
        using var peer = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        peer.Connect(root.EndPoint.ToIPEndPoint());
        var stub = new StubPeer(
            TestIdentities.All[1], TestIdentities.All[0], "127.0.0.1", (ushort)((IPEndPoint)peer.Client.LocalEndPoint!).Port);
        await peer.SendAsync(stub.Hello(planet), CancellationToken.None);
        await WaitAsync(() => root.Node.FindPeer(stub.Id) is not null);
        await ReportEchosAsync("quiet", peer, stub, () => false, 10);

        using var stop = new CancellationTokenSource();
        var flood = Task.Run(() => FloodAsync(root.EndPoint, new HelloFlood(TestIdentities.All[0], planet), stop.Token));
        var watch = new Stopwatch();
        try
        {
            await ReportEchosAsync("flood", peer, stub, () => false, 12);
            watch.Start();
            await using var fresh = RealNode.Start(TestIdentities.All[2], planet);
            await WaitAsync(() => fresh.Node.IsOnline);
            output.WriteLine($"a fresh node is online after {watch.ElapsedMilliseconds} ms of the flood");
        }
        finally
        {
            await stop.CancelAsync();
        }

        int sent = await flood;
        Assert.True(sent > 0, "There was no flood.");
        output.WriteLine($"{sent} forged HELLOs, {root.Node.Drops[DropReason.HelloGate]} of them dropped unread");
        await WaitAsync(() => root.Node.Newcomers.Waiting == 0);

        watch.Restart();
        var nodes = new List<RealNode>();
        try
        {
            foreach (var identity in TestIdentities.All.Skip(3))
            {
                nodes.Add(RealNode.Start(identity, planet));
            }

            await ReportEchosAsync($"{nodes.Count} new nodes", peer, stub, () => nodes.All(node => node.Node.IsOnline), int.MaxValue);
            output.WriteLine($"{nodes.Count} new nodes are online after {watch.ElapsedMilliseconds} ms");
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }

        Assert.Equal(0, root.Node.Drops[DropReason.Internal]);
    }

    // ECHOs over a path are answered once in 166 ms.
    private async Task ReportEchosAsync(string when, UdpClient peer, StubPeer stub, Func<bool> done, int count)
    {
        var times = new List<double>();
        for (int i = 0; i < count && !done(); i++)
        {
            await Task.Delay(170);
            var watch = Stopwatch.StartNew();
            await EchoAsync(peer, stub);
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        if (times.Count > 0)
        {
            output.WriteLine(
                $"ECHO, {when}: median {times.Order().ElementAt(times.Count / 2):f2} ms, longest {times.Max():f2} ms of {times.Count}");
        }
    }

    // Until the ECHO is answered: a datagram may be lost, and other packets come in between.
    private static async Task EchoAsync(UdpClient peer, StubPeer stub)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            await peer.SendAsync(stub.Build(Verb.Echo, [1, 2, 3]), limit.Token);
            using var second = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
            second.CancelAfter(TimeSpan.FromSeconds(1));
            try
            {
                while (true)
                {
                    var (verb, payload, _, _) = stub.Open((await peer.ReceiveAsync(second.Token)).Buffer);
                    if (verb == Verb.Ok && payload[0] == (byte)Verb.Echo)
                    {
                        return;
                    }
                }
            }
            catch (OperationCanceledException) when (!limit.IsCancellationRequested)
            {
                // Asked again.
            }
        }
    }

    private static async Task<int> FloodAsync(InetEndPoint target, HelloFlood flood, CancellationToken cancellationToken)
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Connect(target.ToIPEndPoint());
        var watch = Stopwatch.StartNew();
        int sent = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            for (; sent < watch.Elapsed.TotalSeconds * FloodPerSecond; sent++)
            {
                await socket.SendAsync(flood.Next(), CancellationToken.None);
            }

            await Task.Delay(5, CancellationToken.None);
        }

        return sent;
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, "It takes too long.");
            await Task.Delay(2);
        }
    }

    private sealed class RealNode : IAsyncDisposable
    {
        private readonly UdpDatagramTransport _transport;

        private RealNode(UdpDatagramTransport transport, Vl1Node node) => (_transport, Node) = (transport, node);

        public Vl1Node Node { get; }

        public InetEndPoint EndPoint => _transport.LocalEndPoints.First(endPoint => endPoint.Family == AddressFamily.InterNetwork);

        /// <summary>A node, or without a planet its root.</summary>
        public static RealNode Start(NodeIdentity identity, Planet? planet)
        {
            var transport = UdpDatagramTransport.Open(
                new UdpDatagramTransportOptions { LoopbackOnly = true, BindAddresses = [IPAddress.Loopback] });
            var endPoint = transport.LocalEndPoints.First(local => local.Family == AddressFamily.InterNetwork);
            using var key = PlanetSigningKey.Generate(new SeededRandom(1));
            var node = new Vl1Node(new Vl1NodeOptions
            {
                Identity = identity,
                Planet = planet ?? Planet.Create(9, DateTimeOffset.UnixEpoch.AddYears(50), [new PlanetRoot(identity, [endPoint])], key),
                Transport = transport,
                Client = new SilentClient(),
            });
            node.Start();
            return new RealNode(transport, node);
        }

        public async ValueTask DisposeAsync()
        {
            await _transport.DisposeAsync();
            Node.Dispose();
        }
    }
}
