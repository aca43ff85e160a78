using ZeroTier.Libzt.Native;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>What goes wrong on the loop's own thread stays with what it is about.</summary>
public sealed class ContainmentTests : SocketLoopTest
{
    [Fact]
    public async Task Handler_that_throws_ends_its_socket_only()
    {
        var (connection, peer) = await Accept();
        var thrower = new ThrowingSocket(Loop);
        Loop.Work.Schedule(_ => Loop.Polled.Add(thrower), null);
        await connection.DisposeAsync();

        // By its deadline: the peer does not end.
        Until(() => Loop.Counters.Descriptors == 0);

        Assert.Equal(-1, thrower.Index);
        Assert.Equal(2, Logs.Lines.Count(l => l.Event.Id == 205));
        ExpectedErrors.Add(205);
        peer.Close();
    }

    [Fact]
    public async Task Logger_that_throws_does_no_harm()
    {
        Logs.OnLine = static _ => throw new InvalidOperationException("The log provider failed.");
        Loop.Work.Schedule(_ => throw new InvalidOperationException("The work failed."), null);
        Control.Configure("accept_error=23;accept_error_count=3");

        var (connection, peer) = await Accept();

        Logs.OnLine = null;
        await connection.DisposeAsync();
        peer.Close();
    }

    private sealed class ThrowingSocket(SocketLoop loop) : PolledSocket(loop, SocketLoopTest.Network)
    {
        internal override PollEvents Interest => PollEvents.None;

        internal override long NextDeadline => 0;

        internal override void OnReady(PollEvents events) => throw new InvalidOperationException("OnReady failed.");

        internal override void OnDeadline() => throw new InvalidOperationException("OnDeadline failed.");

        internal override void End(ZeroTierException reason) => throw new InvalidOperationException("End failed.");
    }
}
