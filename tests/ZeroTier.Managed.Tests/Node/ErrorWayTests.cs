using System.Net;

namespace ZeroTier.Managed.Tests.Node;

/// <summary>Asynchronous methods throw at the call where an argument is wrong; all other errors are those of the task.</summary>
public sealed class ErrorWayTests : IAsyncDisposable
{
    private static readonly ZeroTierEndPoint EndPoint = new(NetworkId.AdHoc(1, 9), IPAddress.IPv6Loopback, 5);
    private static readonly CancellationToken Cancelled = new(true);

    private readonly ManagedNode _node = new(new ManagedNodeOptions { BindAddresses = [] });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Wrong_arguments_throw_at_the_call()
    {
        Assert.Throws<ArgumentNullException>(() => Drop(_node.ListenAsync(null!, Token)));
        Assert.Throws<ArgumentNullException>(() => Drop(_node.ListenAsync(EndPoint, null!, Token)));
        Assert.Throws<ArgumentNullException>(() => Drop(_node.ConnectAsync(null!, Token)));
        Assert.Throws<ArgumentNullException>(() => Drop(_node.ConnectAsync(EndPoint, null!, Token)));
        Assert.Throws<ArgumentNullException>(() => Drop(_node.BindDatagramAsync(null!, Token)));
        Assert.Throws<ArgumentNullException>(() => Drop(_node.PingAsync(EndPoint.Network, null!, Token)));
    }

    [Fact]
    public void Cancelled_tokens_give_cancelled_tasks()
    {
        Assert.True(_node.ListenAsync(EndPoint, Cancelled).IsCanceled);
        Assert.True(_node.ConnectAsync(EndPoint, Cancelled).IsCanceled);
        Assert.True(_node.BindDatagramAsync(EndPoint, Cancelled).IsCanceled);
    }

    [Fact]
    public void A_node_that_does_not_run_gives_faulted_tasks()
    {
        Assert.True(_node.ListenAsync(EndPoint, Token).IsFaulted);
        Assert.True(_node.ConnectAsync(EndPoint, Token).IsFaulted);
        Assert.True(_node.BindDatagramAsync(EndPoint, Token).IsFaulted);
        Assert.True(_node.PingAsync(EndPoint.Network, IPAddress.IPv6Loopback, Token).IsFaulted);
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    private static void Drop<T>(ValueTask<T> task) => _ = task.AsTask();
}
