using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;
using ZeroTier.Managed.Tests.Conformance;

namespace ZeroTier.Managed.Tests.Node;

/// <summary>A node for which nobody has set a port keeps the one it has.</summary>
public sealed class StoredPortTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Port_is_taken_again_and_when_it_is_taken_another_one_which_is_said_once_and_kept()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var folder = TemporaryFolder.WithIdentity(5);
        var log = new LogCollector();
        int first = await RunAsync(world, folder, log);
        Assert.Equal(first, await RunAsync(world, folder, log));
        Assert.Equal(first, await RunAsync(world, folder, log));
        Assert.Empty(log.AtLeast(LogLevel.Warning));

        int second;
        using (var other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
        {
            other.Bind(new IPEndPoint(IPAddress.Loopback, first));
            second = await RunAsync(world, folder, log);
            Assert.NotEqual(first, second);
            Assert.Equal(second, await RunAsync(world, folder, log));
        }

        // Peers know the second one now.
        Assert.Equal(second, await RunAsync(world, folder, log));
        string line = Assert.Single(log.AtLeast(LogLevel.Warning)).Text;
        Assert.Contains(first.ToString(System.Globalization.CultureInfo.InvariantCulture), line, StringComparison.Ordinal);
        Assert.Contains(second.ToString(System.Globalization.CultureInfo.InvariantCulture), line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Port_that_is_set_is_used_and_not_kept()
    {
        await using var world = await LoopbackWorld.StartAsync(Token);
        using var folder = TemporaryFolder.WithIdentity(6);
        int kept = await RunAsync(world, folder, new LogCollector());
        int set = ZeroTier.Tests.FreePort.Udp();

        Assert.Equal(set, await RunAsync(world, folder, new LogCollector(), set));
        Assert.Equal(kept, await RunAsync(world, folder, new LogCollector()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("none")]
    [InlineData("70000")]
    [InlineData("-1")]
    [InlineData("1234567890123456789")]
    public void Load_what_is_no_port_is_none(string content)
    {
        using var folder = new TemporaryFolder();
        var port = new StoredPort(folder.Path);
        Assert.Equal(0, port.Load());
        File.WriteAllText(Path.Combine(folder.Path, "port"), content);
        Assert.Equal(0, port.Load());
        port.Save(54321);
        Assert.Equal(54321, port.Load());
    }

    [Fact]
    public void Candidates_are_the_last_one_then_some_that_no_system_hands_out_then_any()
    {
        int[] candidates = [.. StoredPort.Candidates(9, Random.Shared.Next)];

        Assert.Equal(9, candidates[0]);
        Assert.Equal(0, candidates[^1]);
        Assert.NotEmpty(candidates[1..^1]);
        Assert.All(candidates[1..^1], port => Assert.InRange(port, 20_000, 32_767));
        Assert.DoesNotContain(0, StoredPort.Candidates(0, Random.Shared.Next).SkipLast(1));
    }

    private static async Task<int> RunAsync(LoopbackWorld world, TemporaryFolder folder, LogCollector log, int port = 0)
    {
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(log));
        await using var node = new ManagedNode(
            new ManagedNodeOptions { StoragePath = folder.Path, Planet = world.Planet, Port = port, LoggerFactory = logging });
        await node.StartAsync(Token);
        return node.LocalEndPoints[0].Port;
    }
}
