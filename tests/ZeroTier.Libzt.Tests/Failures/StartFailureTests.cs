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
    public async Task Start_NodeEndsWhileStarting_SaysSo_AndTheNextStartWorks(string script)
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
    public async Task Start_BusyPort_NamesThePort()
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
    public async Task Start_FolderCannotBeMade_NamesTheFolder()
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
    public async Task Start_Cancelled_LeavesNoNodeBehind(string script)
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
