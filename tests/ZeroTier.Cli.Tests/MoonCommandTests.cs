using System.Net;
using ZeroTier.Managed;

namespace ZeroTier.Cli.Tests;

/// <summary><c>zt moon create|show</c>, <c>zt orbit</c> and <c>zt deorbit</c>.</summary>
public sealed class MoonCommandTests(ControlledNetwork network) : IClassFixture<ControlledNetwork>
{
    [Fact]
    public async Task A_moon_is_orbited_and_remembered_until_it_is_left()
    {
        string home = network.Home("moon");
        int port = FreePort.Udp();
        var made = await ZtProcess.RunAsync(network.Data, "moon", "create", "--home", home, "--endpoint", $"127.0.0.1:{port}");
        Assert.Equal(0, made.ExitCode);
        string world = made.Output.Split(' ')[1];
        string seed = world[6..];
        Assert.Matches($"^moon 000000{seed} of .*\nroot {seed} at 127.0.0.1:{port}", made.Output);
        Assert.Contains($"zt orbit {world} {seed}", made.Error, StringComparison.Ordinal);

        // The folder's node is a root of the moon, of a planet that does not name it.
        await using var root = new ManagedNode(
            new ManagedNodeOptions
            {
                StoragePath = home,
                Planet = Planet.Load(network.Planet),
                Port = port,
                BindAddresses = [IPAddress.Loopback],
            });
        await root.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(world, Assert.Single(root.Moons).Id.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));

        string node = network.Home("orbiting");
        var orbited = await ZtProcess.RunAsync(network.Data, "orbit", world, seed, "--home", node, "--planet", network.Planet);
        Assert.Equal((0, made.Output), (orbited.ExitCode, orbited.Output));
        string file = Path.Combine(node, "moons.d", $"{world}.moon");
        Assert.Equal(made.Output, (await ZtProcess.RunAsync(network.Data, "moon", "show", file)).Output);

        Assert.Equal(0, (await ZtProcess.RunAsync(network.Data, "deorbit", world, "--home", node)).ExitCode);
        Assert.False(File.Exists(file));
        var again = await ZtProcess.RunAsync(network.Data, "deorbit", world, "--home", node);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains($"does not use moon {world}. It uses: none.", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Creating_a_moon_again_makes_a_revision_that_may_replace_it()
    {
        string home = network.Home("revised");
        await ZtProcess.RunAsync(network.Data, "moon", "create", "--home", home, "--endpoint", "192.0.2.1:9993");
        string file = Assert.Single(Directory.GetFiles(Path.Combine(home, "moons.d")));
        var first = Moon.Load(file);
        string other = (await ZtProcess.RunAsync(network.Data, "id", "new", network.Home("second"))).Output.Trim();
        await ZtProcess.RunAsync(
            network.Data, "moon", "create", "--home", home, "--endpoint", "192.0.2.7:9993", "--root", $"{other}@192.0.2.8:9993");
        var second = Moon.Load(file);

        Assert.True(second.CanReplace(first));
        Assert.Equal(["192.0.2.7:9993", "192.0.2.8:9993"], second.Roots.Select(root => Assert.Single(root.EndPoints).ToString()));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(home, "moon.secret")));
        }
    }

    [Theory]
    [InlineData("orbit", "0", "89e92ceee5")]
    [InlineData("orbit", "00000089e92ceee5", "me")]
    [InlineData("deorbit", "moon")]
    public async Task What_is_no_moon_or_node_is_said(params string[] arguments)
    {
        var result = await ZtProcess.RunAsync(network.Data, [.. arguments, "--home", network.Home("wrong"), "--planet", network.Planet]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("zt moon show FILE", result.Error, StringComparison.Ordinal);
    }
}
