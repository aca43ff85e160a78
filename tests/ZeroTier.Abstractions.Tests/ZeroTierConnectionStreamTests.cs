using System.IO.Pipelines;
using System.Net;

namespace ZeroTier.Tests;

public class ZeroTierConnectionStreamTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_async_to_a_connection_that_was_lost_throws_what_it_was_lost_by()
    {
        var connection = new PipedConnection();
        await using var stream = new ZeroTierConnectionStream(connection);
        var error = new ZeroTierException(ZeroTierError.ConnectionReset, "The other end reset the connection.");
        connection.EndSending(error);
        Assert.Same(
            error,
            await Assert.ThrowsAsync<ZeroTierException>(() => stream.WriteAsync(new byte[1], Cancel).AsTask().WaitAsync(s_limit, Cancel)));
        Assert.Same(error, Assert.Throws<ZeroTierException>(() => stream.Write(new byte[1], 0, 1)));
    }

    [Fact]
    public async Task Write_async_after_the_end_of_sending_says_so()
    {
        var connection = new PipedConnection();
        await using var stream = new ZeroTierConnectionStream(connection);
        connection.EndSending(null);
        var error = await Assert.ThrowsAsync<ZeroTierException>(
            () => stream.WriteAsync(new byte[1], Cancel).AsTask().WaitAsync(s_limit, Cancel));
        Assert.Contains("has finished sending", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_async_that_waits_for_room_ends_with_the_connection()
    {
        var connection = new PipedConnection();
        await using var stream = new ZeroTierConnectionStream(connection);
        var write = stream.WriteAsync(new byte[100_000], Cancel).AsTask();
        Assert.False(write.IsCompleted);
        var error = new ZeroTierException(ZeroTierError.TimedOut, "The other end does not answer.");
        connection.EndSending(error);
        Assert.Same(error, await Assert.ThrowsAsync<ZeroTierException>(() => write.WaitAsync(s_limit, Cancel)));
    }

    [Fact]
    public async Task Write_async_whose_flush_is_cancelled_does_not_look_like_success()
    {
        var connection = new PipedConnection();
        await using var stream = new ZeroTierConnectionStream(connection);
        var write = stream.WriteAsync(new byte[100_000], Cancel).AsTask();
        connection.Output.CancelPendingFlush();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.WaitAsync(s_limit, Cancel));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dispose_in_either_way_gives_the_connection_up(bool asynchronous)
    {
        var connection = new PipedConnection();
        var stream = new ZeroTierConnectionStream(connection);
        if (asynchronous)
        {
            await stream.DisposeAsync();
        }
        else
        {
            stream.Dispose();
        }

        Assert.True(connection.Disposed);
    }

    /// <summary>A connection whose far ends the test holds.</summary>
    private sealed class PipedConnection : ZeroTierConnection
    {
        private readonly Pipe _in = new();
        private readonly Pipe _out = new();
        private readonly TaskCompletionSource<ZeroTierException?> _sendEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Disposed { get; private set; }

        public override NetworkId Network => default;

        public override IPEndPoint LocalEndPoint { get; } = new(IPAddress.Loopback, 1);

        public override IPEndPoint RemoteEndPoint { get; } = new(IPAddress.Loopback, 2);

        public override NodeId? RemoteNode => null;

        public override PipeReader Input => _in.Reader;

        public override PipeWriter Output => _out.Writer;

        public override Task<ZeroTierException?> ReceiveEnded { get; } = new TaskCompletionSource<ZeroTierException?>().Task;

        public override Task<ZeroTierException?> SendEnded => _sendEnded.Task;

        /// <summary>The engine takes no more; the pipe does not say why.</summary>
        public void EndSending(ZeroTierException? error)
        {
            _out.Reader.Complete();
            _sendEnded.SetResult(error);
        }

        public override ZeroTierPeer? GetPeer() => null;

        public override void Abort(ZeroTierException? reason)
        {
        }

        public override ValueTask DisposeAsync()
        {
            Disposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
