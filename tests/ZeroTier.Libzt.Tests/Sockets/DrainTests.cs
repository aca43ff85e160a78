using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>
/// Drains that nobody waits for any more. With a long safety net, so that what the loop does for them can be told from that.
/// </summary>
public sealed class DrainTests : SocketLoopTest
{
    private protected override SocketLoopLimits Limits { get; } = new() { SafetyNet = 400 };

    [Fact]
    public async Task Cancelled_drain_is_forgotten()
    {
        var (connection, peer) = await Accept(Options with { MaxWriteBufferSize = 0 });
        await Write(connection, Data(3_000_000));
        using var stop = new CancellationTokenSource();
        var draining = Loop.DrainAsync(stop.Token);
        Assert.False(draining.IsCompleted);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Bounded(draining));
        await Task.Delay(200, Token);
        long polls = Control.Counter("polls");
        await Task.Delay(500, Token);
        Assert.InRange(Control.Counter("polls") - polls, 0, 10);
        connection.Abort();
        await connection.DisposeAsync();
        peer.Close();
    }
}
