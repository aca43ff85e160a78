using System.Net;
using System.Net.Sockets;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Failures;

/// <summary>Starts that fail.</summary>
public sealed class StartFailureTests : FailureTest
{
    [Theory]
    [InlineData("start_fails=1")]
    [InlineData("start_fails=2")]
    public async Task Start_node_ends_while_starting_says_so_and_the_next_start_works(string script)
    {
        var node = Create(script);

        var error = await Fails(ZeroTierError.Underlay, () => node.Node.StartAsync(Token));

        Assert.Contains("libzt", error.Message, StringComparison.Ordinal);
        Assert.Equal(ZeroTierNodeState.Stopped, node.Node.State);
        node.Control.Configure("start_fails=0");
        await Bounded(node.Node.StartAsync(Token));
        Assert.Equal(ZeroTierNodeState.Running, node.Node.State);
    }

    [Fact]
    public async Task Start_busy_port_names_the_port()
    {
        using var busy = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        busy.Bind(new IPEndPoint(IPAddress.Any, 0));
        int port = ((IPEndPoint)busy.LocalEndPoint!).Port;
        var node = Create(options: new() { Port = port });

        var error = await Fails(ZeroTierError.Underlay, () => node.Node.StartAsync(Token));

        Assert.Contains($"{port}", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, node.Control.Counter("starts"));
        busy.Dispose();
        await Bounded(node.Node.StartAsync(Token));
    }

    [Fact]
    public async Task Start_folder_cannot_be_made_names_the_folder()
    {
        string file = Path.Combine(Folder(), "file");
        await File.WriteAllTextAsync(file, "x", Token);
        var node = Create(options: new() { StoragePath = Path.Combine(file, "node") });

        var error = await Fails(ZeroTierError.Storage, () => node.Node.StartAsync(Token));

        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, node.Control.Counter("starts"));
    }

    [Theory]
    [InlineData("core_delay=3600000")]
    [InlineData("start_delay=300")]
    public async Task Start_cancelled_leaves_no_node_behind(string script)
    {
        var node = Create(script);
        using var cancel = new CancellationTokenSource();
        var starting = node.Node.StartAsync(cancel.Token);
        await Until(() => node.Control.Counter("starts") == 1);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(starting));

        Assert.Equal(ZeroTierNodeState.Stopped, node.Node.State);
        node.Control.Configure("core_delay=10;start_delay=0");
        await Bounded(node.Node.StartAsync(Token));
        Assert.Equal(1, node.Control.Counter("stops"));
    }
}
