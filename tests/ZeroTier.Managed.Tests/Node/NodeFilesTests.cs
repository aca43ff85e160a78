using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using ZeroTier.Managed.Node;
using ZeroTier.Managed.Tests.Simulation;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Node;

/// <summary>What a node finds again at its next start.</summary>
public sealed class NodeFilesTests
{
    [Fact]
    public void Planet_updated_past_a_change_of_its_key_is_kept_over_the_configured_one()
    {
        using var folder = TemporaryFolder.WithIdentity(5);
        using var first = PlanetSigningKey.Generate();
        using var second = PlanetSigningKey.Generate();
        PlanetRoot[] roots = [new(TestIdentities.Get(6), [InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, 9993))])];
        var configured = Planet.Create(7, DateTimeOffset.UnixEpoch.AddDays(1), roots, first);
        var latest = configured.Update(DateTimeOffset.UnixEpoch.AddDays(2), roots, first, second)
            .Update(DateTimeOffset.UnixEpoch.AddDays(3), roots, second);
        Assert.False(latest.CanReplace(configured));
        var files = new NodeFiles(folder.Path);

        files.SavePlanet(latest);
        Assert.Equal(latest.ToBytes(), files.LoadPlanet(configured)!.ToBytes());
        Assert.Equal(latest.ToBytes(), files.LoadPlanet(null)!.ToBytes());

        // One of another universe, or an older one, does not count.
        var foreign = Planet.Create(8, DateTimeOffset.UnixEpoch.AddDays(9), roots, first);
        Assert.Equal(foreign.ToBytes(), files.LoadPlanet(foreign)!.ToBytes());
        files.SavePlanet(configured);
        Assert.Equal(latest.ToBytes(), files.LoadPlanet(latest)!.ToBytes());
    }

    [Fact]
    public void Moons_are_kept_until_they_are_left_and_a_damaged_or_renamed_file_is_left_out()
    {
        using var folder = TemporaryFolder.WithIdentity(5);
        using var key = PlanetSigningKey.Generate();
        PlanetRoot[] roots = [new(TestIdentities.Get(6), [InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, 9993))])];
        var moon = Moon.Create(0xdeadbeef01, DateTimeOffset.UnixEpoch.AddDays(1), roots, key);
        var files = new NodeFiles(folder.Path);
        files.SaveMoon(moon);
        string file = Path.Combine(folder.Path, "moons.d", "000000deadbeef01.moon");
        Assert.Equal(moon.ToBytes(), File.ReadAllBytes(file));
        File.Copy(file, Path.Combine(folder.Path, "moons.d", "000000deadbeef02.moon"));
        File.WriteAllBytes(Path.Combine(folder.Path, "moons.d", "000000deadbeef03.moon"), [0]);
        Assert.Equal(moon.ToBytes(), Assert.Single(files.LoadMoons()).ToBytes());

        files.RemoveMoon(moon.Id);
        Assert.Empty(files.LoadMoons());
    }

    [Fact]
    public async Task A_moon_that_a_node_orbits_is_used_at_its_next_start_until_it_is_left()
    {
        using var folder = TemporaryFolder.WithIdentity(2);
        using var key = PlanetSigningKey.Generate();
        var world = new SimulatedWorld(seed: 21, members: 0);
        var moon = Moon.Create(0xdeadbeef01, DateTimeOffset.UnixEpoch.AddDays(1), [new(TestIdentities.Get(6), [])], key);
        var host = world.Physical.AddHost("keeper", "10.0.0.50");
        var options = new ManagedNodeOptions
        {
            StoragePath = folder.Path,
            Planet = SimulatedWorld.SharedPlanet,
            TimeProvider = world.Clock,
            RandomSource = world.Physical.Random.Fork(),
            Scheduler = System.IO.Pipelines.PipeScheduler.Inline,
            DatagramTransportFactory = () => host.Open(9993),
        };
        await using (var node = new ManagedNode(options))
        {
            await node.StartAsync(TestContext.Current.CancellationToken);
            await node.OrbitAsync(new MoonOrbit(moon), TestContext.Current.CancellationToken);
            Assert.Equal(moon.Id, Assert.Single(node.Moons).Id);
            Assert.Contains(node.Peers, peer => peer.Role == ZeroTierPeerRole.Moon && peer.Id == TestIdentities.Get(6).Address);
        }

        await using (var node = new ManagedNode(options))
        {
            await node.StartAsync(TestContext.Current.CancellationToken);
            Assert.Equal(moon.ToBytes(), Assert.Single(node.Moons).ToBytes());
            await node.DeorbitAsync(moon.Id, TestContext.Current.CancellationToken);
            Assert.Empty(node.Moons);
            await node.RestartAsync(TestContext.Current.CancellationToken);
            Assert.Empty(node.Moons);
        }
    }

    [Fact]
    public void The_configuration_of_a_network_is_kept_for_the_owner_alone_until_it_is_left()
    {
        using var folder = TemporaryFolder.WithIdentity(5);
        var files = new NodeFiles(folder.Path);
        var network = NetworkId.Parse("8056c2e21c000001");
        files.AddNetwork(network);
        Assert.Equal("\n"u8.ToArray(), files.LoadConfiguration(network).ToArray());
        files.SaveConfiguration(network, "v=7"u8);
        files.AddNetwork(network);
        Assert.Equal("v=7"u8.ToArray(), files.LoadConfiguration(network).ToArray());
        Assert.Equal([network], files.LoadNetworks());
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(Path.Combine(folder.Path, "networks.d", $"{network}.conf")));
        }

        files.RemoveNetwork(network);
        Assert.True(files.LoadConfiguration(network).IsEmpty);
        Assert.Empty(files.LoadNetworks());
    }

    [Fact]
    public void Peers_come_back_in_the_order_in_which_they_were_heard()
    {
        using var folder = TemporaryFolder.WithIdentity(5);
        KnownPeer[] known = [.. Enumerable.Range(0, 6).Select(i => new KnownPeer(TestIdentities.Get(i), default, []))];
        PeerFiles Files() => new(folder.Path, TimeProvider.System, NullLogger.Instance);
        Files().Save(known);
        var again = Files();
        Assert.Equal(known.Select(Address), again.Load().Select(Address));

        // The last one was heard meanwhile; nothing else of it has changed.
        again.Save([known[5], .. known[..5]]);
        Assert.Equal([known[5].Identity.Address, .. known[..5].Select(Address)], Files().Load().Select(Address));

        static NodeId Address(KnownPeer peer) => peer.Identity.Address;
    }

    [Fact]
    public void Peers_are_replaced_as_a_whole_and_what_was_broken_is_left_out()
    {
        using var folder = TemporaryFolder.WithIdentity(5);
        PeerFiles Files() => new(folder.Path, TimeProvider.System, NullLogger.Instance);
        var files = Files();
        files.Save([new(TestIdentities.Get(0), default, []), new(TestIdentities.Get(1), default, [])]);
        string[] paths = [.. Directory.GetFiles(Path.Combine(folder.Path, "peers.d")).Order(StringComparer.Ordinal)];
        byte[][] before = [.. paths.Select(File.ReadAllBytes)];
        var readers = paths.Select(
            path => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)).ToArray();

        InetEndPoint[] moved = [InetEndPoint.From(new IPEndPoint(IPAddress.Loopback, 9993))];
        files.Save([new(TestIdentities.Get(0), default, moved), new(TestIdentities.Get(1), default, moved)]);

        // A disk that fills, or a crash, in between would leave the old file: it is still there, untouched.
        for (int i = 0; i < readers.Length; i++)
        {
            using var reader = readers[i];
            byte[] old = new byte[before[i].Length + 1];
            Assert.Equal(before[i], old[..reader.ReadAtLeast(old, old.Length, throwOnEndOfStream: false)]);
        }

        File.WriteAllBytes(paths[0], []);
        Assert.Single(Files().Load());
    }
}
