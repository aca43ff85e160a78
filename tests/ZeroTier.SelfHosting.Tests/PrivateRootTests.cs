using System.Net;
using ZeroTier.Managed;

namespace ZeroTier.SelfHosting.Tests;

public sealed class PrivateRootTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TestFolder _folder = new();

    public PrivateRootTests()
    {
        Directory.CreateDirectory(_folder["root"]);
        File.WriteAllText(_folder["root", "identity.secret"], TestIdentities.Text(0));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Nodes_with_its_planet_find_each_other()
    {
        await using var root = await PrivateRoot.StartAsync(Options(FreePort.Udp()), Cancel);
        var planet = Planet.Load(root.PlanetPath);
        Assert.Equal(TestIdentities.Get(0).Address, root.Node.Id);
        await using var a = await StartAsync(planet, 1);
        await using var b = await StartAsync(planet, 2);
        var network = NetworkId.AdHoc(1, 2);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(Limit);
        Assert.True(await AnswerAsync(a, network, network.GetSixPlaneAddress(b.Id), limit.Token) > TimeSpan.Zero);
    }

    [Fact]
    public async Task Root_knows_its_nodes_again_after_a_restart()
    {
        var options = Options(FreePort.Udp());
        NodeId known;
        await using (var root = await PrivateRoot.StartAsync(options, Cancel))
        {
            await using var leaf = await StartAsync(root.Planet, 1);
            known = leaf.Id;
            await UntilAsync(() => root.Node.Peers.Any(peer => peer.Id == known && peer.IsDirect));
        }

        Assert.Single(Directory.GetFiles(_folder["root", "peers.d"]));
        await using var again = await PrivateRoot.StartAsync(options, Cancel);
        await UntilAsync(() => again.Node.Peers.Any(peer => peer.Id == known));
    }

    [Fact]
    public async Task Planet_stays_while_the_endpoints_do_and_is_updated_when_they_change()
    {
        int port = FreePort.Udp();
        var first = await PrivateRoot.CreatePlanetAsync(Options(port), Cancel);
        var second = await PrivateRoot.CreatePlanetAsync(Options(port), Cancel);
        Assert.Equal(first.ToBytes(), second.ToBytes());
        var third = await PrivateRoot.CreatePlanetAsync(Options(FreePort.Udp()), Cancel);
        Assert.True(third.CanReplace(second));
        Assert.Equal(third.ToBytes(), Planet.Load(_folder["root", "planet"]).ToBytes());
    }

    [Fact]
    public async Task Planet_gets_further_roots_which_stay_until_they_change()
    {
        int port = FreePort.Udp();
        var first = await PrivateRoot.CreatePlanetAsync(Options(port), Cancel);
        var second = new PlanetRoot(TestIdentities.Get(1), [Vl1EndPoint(9993)]);
        var added = await PrivateRoot.CreatePlanetAsync(Options(port) with { EndPoints = [], OtherRoots = [second] }, Cancel);
        Assert.True(added.CanReplace(first));
        Assert.Equal([TestIdentities.Get(0).Address, TestIdentities.Get(1).Address], added.Roots.Select(root => root.Identity.Address));
        Assert.Equal(first.Roots[0].EndPoints, added.Roots[0].EndPoints);

        // Named again, or not at all: nothing changes.
        Assert.Equal(
            added.ToBytes(), (await PrivateRoot.CreatePlanetAsync(Options(port) with { OtherRoots = [second] }, Cancel)).ToBytes());
        Assert.Equal(added.ToBytes(), (await PrivateRoot.CreatePlanetAsync(Options(port), Cancel)).ToBytes());

        var moved = await PrivateRoot.CreatePlanetAsync(
            Options(port) with { OtherRoots = [second with { EndPoints = [Vl1EndPoint(9994)] }] }, Cancel);
        Assert.True(moved.CanReplace(added));
        Assert.Equal(Vl1EndPoint(9994), Assert.Single(moved.Roots[1].EndPoints));
    }

    [Fact]
    public async Task A_node_on_a_prepared_folder_is_the_root()
    {
        int port = FreePort.Udp();
        var prepared = await PrivateRoot.PrepareAsync(
            Options(port) with { OtherRoots = [new PlanetRoot(TestIdentities.Get(1), [Vl1EndPoint(9993)])] }, Cancel);
        Assert.Equal(TestIdentities.Get(0).Address, prepared.Identity.Address);
        Assert.Equal([Vl1EndPoint(port)], prepared.EndPoints);

        // Without endpoints: as the planet says.
        Assert.Equal(prepared.EndPoints, (await PrivateRoot.PrepareAsync(Options(port) with { EndPoints = [] }, Cancel)).EndPoints);
        await using var root = new ManagedNode(
            new ManagedNodeOptions { StoragePath = _folder["root"], Port = prepared.EndPoints[0].Port });
        await root.StartAsync(Cancel);
        await using var leaf = await StartAsync(root.Planet!, 2);
        await UntilAsync(() => root.Peers.Any(peer => peer.Id == leaf.Id));
    }

    [Fact]
    public async Task Two_roots_serve_one_planet_and_either_alone_is_enough()
    {
        int port = FreePort.Udp();
        int otherPort = FreePort.Udp();
        Directory.CreateDirectory(_folder["other"]);
        await File.WriteAllTextAsync(_folder["other", "identity.secret"], TestIdentities.Text(1), Cancel);
        var planet = await PrivateRoot.CreatePlanetAsync(
            Options(port) with { OtherRoots = [new PlanetRoot(TestIdentities.Get(1), [Vl1EndPoint(otherPort)])] }, Cancel);
        File.Copy(_folder["root", "planet"], _folder["other", "planet"]);
        var other = new PrivateRootOptions { StoragePath = _folder["other"], EndPoints = [] };

        // Its planet was made elsewhere: it has no key, and says so where one would be needed.
        var error = await Assert.ThrowsAsync<ZeroTierException>(
            () => PrivateRoot.CreatePlanetAsync(other with { EndPoints = [new IPEndPoint(IPAddress.Loopback, FreePort.Udp())] }, Cancel));
        Assert.Contains("add-root", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["other", "planet.secret"]));

        await using var second = await PrivateRoot.StartAsync(other, Cancel);
        Assert.Contains(second.Node.LocalEndPoints, endPoint => endPoint.Port == otherPort);
        await using (var first = await PrivateRoot.StartAsync(Options(port), Cancel))
        {
            await using var early = await StartAsync(planet, 2);
        }

        await using var a = await StartAsync(planet, 2);
        await using var b = await StartAsync(planet, 3);
        var network = NetworkId.AdHoc(1, 2);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(Limit);
        Assert.True(await AnswerAsync(a, network, network.GetSixPlaneAddress(b.Id), limit.Token) > TimeSpan.Zero);
    }

    /// <summary>A new planet in its place would be refused by every node that has the old one.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Planet_that_cannot_be_used_is_not_replaced(bool damaged)
    {
        int port = FreePort.Udp();
        var mine = await PrivateRoot.CreatePlanetAsync(Options(port), Cancel);
        byte[] bytes = "damaged"u8.ToArray();
        if (!damaged)
        {
            using var key = PlanetSigningKey.Load(_folder["root", "planet.secret"]);
            bytes = mine.Update(
                DateTimeOffset.UtcNow.AddDays(1), [new PlanetRoot(TestIdentities.Get(1), mine.Roots[0].EndPoints)], key).ToBytes();
        }

        await File.WriteAllBytesAsync(_folder["root", "planet"], bytes, Cancel);
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => PrivateRoot.CreatePlanetAsync(Options(FreePort.Udp()), Cancel));
        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.Contains(_folder["root", "planet"], error.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(_folder["root", "planet"], Cancel));

        await File.WriteAllBytesAsync(_folder["root", "planet"], mine.ToBytes(), Cancel);
        Assert.Equal(mine.ToBytes(), (await PrivateRoot.CreatePlanetAsync(Options(port), Cancel)).ToBytes());
    }

    [Fact]
    public async Task Folder_belongs_to_one_root_at_a_time()
    {
        await using var root = await PrivateRoot.StartAsync(Options(FreePort.Udp()), Cancel);
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => PrivateRoot.StartAsync(Options(FreePort.Udp()), Cancel));
        Assert.Equal(ZeroTierError.Storage, error.Error);
    }

    [Fact]
    public async Task Failed_start_releases_the_folder()
    {
        int port = FreePort.Udp();
        using (var squatter = new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Loopback, port)))
        {
            Assert.Equal(
                ZeroTierError.Underlay,
                (await Assert.ThrowsAsync<ZeroTierException>(() => PrivateRoot.StartAsync(Options(port), Cancel))).Error);
        }

        await using var root = await PrivateRoot.StartAsync(Options(port), Cancel);
    }

    [Theory]
    [InlineData()]
    [InlineData("192.0.2.1:0")]
    [InlineData("0.0.0.0:9993")]
    [InlineData("192.0.2.1:9993", "192.0.2.2:9994")]
    public async Task Endpoints_that_nobody_could_reach_are_refused(params string[] endPoints)
    {
        var options = Options(1) with { EndPoints = [.. endPoints.Select(IPEndPoint.Parse)] };
        await Assert.ThrowsAsync<ArgumentException>(() => PrivateRoot.CreatePlanetAsync(options, Cancel));
        Assert.False(File.Exists(_folder["root", "planet"]));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }

    private static async Task<ManagedNode> StartAsync(Planet planet, int identity)
    {
        var node = new ManagedNode(
            new ManagedNodeOptions { Planet = planet, Identity = TestIdentities.Get(identity), Networks = [NetworkId.AdHoc(1, 2)] });
        await node.StartAsync(Cancel);
        await node.WaitForOnlineAsync(Cancel).WaitAsync(Limit, Cancel);
        return node;
    }

    private static InetEndPoint Vl1EndPoint(int port) => InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, port));

    private PrivateRootOptions Options(int port) =>
        new() { StoragePath = _folder["root"], EndPoints = [new IPEndPoint(IPAddress.Loopback, port)] };

    /// <summary>
    /// Asks until there is an answer: an echo request is a datagram, and one may be lost while two nodes get to know each other.
    /// </summary>
    private static async Task<TimeSpan> AnswerAsync(
        ManagedNode node, NetworkId network, IPAddress address, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await node.PingAsync(network, address, timeout: TimeSpan.FromSeconds(1), cancellationToken: cancellationToken);
            }
            catch (ZeroTierException exception) when (exception.Error == ZeroTierError.TimedOut)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }
}
