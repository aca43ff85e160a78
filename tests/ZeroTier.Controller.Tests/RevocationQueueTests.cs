using ZeroTier.Managed.Vl2.Controller;

namespace ZeroTier.Controller.Tests;

/// <summary>When revocations go out, so that members take them (docs/protocol/3-vl2.md 3.5.7).</summary>
public class RevocationQueueTests
{
    private static readonly NodeId Alice = new(0xabcdef0123);

    [Fact]
    public void Packets_to_a_member_keep_a_distance_and_each_revocation_is_in_two()
    {
        var queue = new RevocationQueue();
        queue.Add(Alice, new byte[] { 1 });
        Assert.Equal([1], Take(queue, 0));
        queue.Add(Alice, new byte[] { 2 });
        queue.Add(Alice, new byte[] { 3 });
        Assert.Empty(Take(queue, RevocationQueue.Interval - 1));
        Assert.Equal([1, 2, 3], Take(queue, RevocationQueue.Interval));
        Assert.Empty(Take(queue, RevocationQueue.Interval + 1));
        Assert.Equal([2, 3], Take(queue, 2 * RevocationQueue.Interval));
        Assert.Empty(Take(queue, 3 * RevocationQueue.Interval));
        Assert.Empty(queue.Receivers());
    }

    [Fact]
    public void What_is_too_much_for_a_packet_follows_in_the_next()
    {
        var queue = new RevocationQueue();
        for (int i = 0; i < RevocationQueue.MaxPerPacket + 1; i++)
        {
            queue.Add(Alice, new[] { (byte)i });
        }

        Assert.Equal(RevocationQueue.MaxPerPacket, Take(queue, 0).Length);
        Assert.Equal(RevocationQueue.MaxPerPacket, Take(queue, RevocationQueue.Interval)[0]);
    }

    [Fact]
    public void A_queue_that_is_full_drops_what_comes()
    {
        var queue = new RevocationQueue();
        for (ulong i = 0; i < 70_000; i++)
        {
            queue.Add(new NodeId(1000 + i), new byte[] { 1 });
        }

        Assert.Equal(65_536, queue.Receivers().Count);
    }

    [Fact]
    public void A_node_may_ask_often_at_once_but_not_for_long()
    {
        var limits = new RequestLimits(RequestLimits.OfController, 0x9e3779b97f4a7c15);
        Assert.Equal(128, Enumerable.Range(0, 1000).Count(_ => limits.TryTake(Alice, 0)));
        Assert.True(limits.TryTake(new NodeId(0xabcdef0124), 0));
        Assert.Equal(16, Enumerable.Range(0, 1000).Count(_ => limits.TryTake(Alice, 1000)));
    }

    [Fact]
    public void A_node_that_asks_without_end_shares_no_place_with_those_of_like_addresses()
    {
        var limits = new RequestLimits(RequestLimits.OfController, 0x9e3779b97f4a7c15);
        foreach (var _ in Enumerable.Range(0, 1000))
        {
            limits.TryTake(Alice, 0);
        }

        Assert.InRange(Enumerable.Range(1, 1000).Count(i => limits.TryTake(new NodeId(Alice.Value + (ulong)i * 4096), 0)), 980, 1000);
    }

    private static byte[] Take(RevocationQueue queue, long now) => [.. queue.Take(Alice, now).SelectMany(r => r.ToArray())];
}
