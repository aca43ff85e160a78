using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>The end of a batch visits the layers that have received something, and no other.</summary>
public sealed class BatchQueueTests
{
    private readonly BatchQueue _batches = new();
    private readonly TcpLayerOptions _options;

    public BatchQueueTests() => _options = TcpLayerOptions.Default with { Batches = _batches };

    [Fact]
    public void A_batch_ends_on_the_layers_that_have_received_something_however_many_others_there_are()
    {
        using var peer = new TcpPeer(_options);
        TcpHost[] idle = [.. Enumerable.Range(2, 100).Select(n => new TcpHost(peer.Link, n, _options))];

        Assert.Equal(0, _batches.EndOfBatch());
        peer.Post(peer.Segment(TcpFlags.Syn, 1));
        peer.Post(peer.Segment(TcpFlags.Syn, 1, port: 1));
        Assert.Equal(1, _batches.EndOfBatch());
        peer.Expect(TcpFlags.Rst | TcpFlags.Ack);
        peer.Expect(TcpFlags.Rst | TcpFlags.Ack);
        Assert.Equal(0, _batches.EndOfBatch());
        Array.ForEach(idle, host => host.Dispose());
    }

    [Fact]
    public void Connections_enter_the_queue_as_refusals_do()
    {
        using var peer = new TcpPeer(_options);
        peer.Open();
        Assert.Equal(1, _batches.EndOfBatch());

        peer.Post(peer.Segment(TcpFlags.Ack, peer.OurNext, peer.TheirNext, payload: "a"));
        peer.Post(peer.Segment(TcpFlags.Ack, peer.OurNext + 1, peer.TheirNext, payload: "b"));
        Assert.Equal(1, _batches.EndOfBatch());
        Assert.Equal("ab", peer.Read());
    }

    [Fact]
    public void A_layer_that_ends_batches_itself_is_in_the_queue_once()
    {
        using var peer = new TcpPeer(_options);
        for (int i = 0; i < 10; i++)
        {
            peer.Send(peer.Segment(TcpFlags.Syn, 1));
        }

        Assert.Equal(1, _batches.EndOfBatch());
        Assert.Equal(0, _batches.EndOfBatch());
    }

    [Fact]
    public void A_thread_ends_its_own_batch_and_not_that_of_another()
    {
        using var peer = new TcpPeer(_options);
        peer.Open();
        _batches.EndOfBatch();
        peer.Post(peer.Segment(TcpFlags.Ack, peer.OurNext, peer.TheirNext, payload: "a"));

        Assert.Equal(0, EndOnAnotherThread());
        Assert.Equal("", peer.Read());
        Assert.Equal(1, _batches.EndOfBatch());
        Assert.Equal("a", peer.Read());
    }

    private int EndOnAnotherThread()
    {
        (int index, int done) = (BatchQueue.ThreadIndex, -1);
        while (done < 0)
        {
            // Threads with the same index share a batch.
            var thread = new Thread(() => done = BatchQueue.ThreadIndex == index ? -1 : _batches.EndOfBatch());
            thread.Start();
            thread.Join();
        }

        return done;
    }
}
