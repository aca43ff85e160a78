using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>A path whose size changes while connections are open. What is too large for it vanishes.</summary>
public sealed class TcpPathMtuTests
{
    [Theory]
    [InlineData(1174, true)]
    [InlineData(600, true)]
    [InlineData(1373, true)]
    [InlineData(1174, false)]
    public void Rfc8899_4_3_PathThatShrinks_IsDoubtedAfterTheFirstTimeout_AndTheLostIsCutAndSentAgainAtOnce(int passes, bool sack)
    {
        using var pair = new TcpPair();
        pair.Link.Conditions.Bandwidth = 2_000_000;
        var options = TcpPair.Options with { SelectiveAck = sack };
        var (client, server) = pair.Connect(options, options);
        var sending = TcpTraffic.SendAsync(client.Output, 5_000_000, 1);
        long received = 0;
        var receiving = TcpTraffic.ReceiveAsync(server.Input, 1, position => received = position);
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(received, 100_000, 4_000_000);

        pair.Link.Conditions.Passes = passes;
        Assert.True(pair.Clock.RunUntil(() => pair.Link.Doubts > 0, TimeSpan.FromSeconds(2)), "no doubt");
        pair.Clock.Advance(TimeSpan.FromSeconds(2));
        long before = received;
        pair.Link.Conditions.Known = passes;
        pair.A.Layer.OnPathNarrowed(pair.B.Mac);
        pair.Clock.Advance(TimeSpan.FromMilliseconds(60));
        Assert.True(received > before, "waits for a timer that is backed off");
        Assert.True(pair.Clock.RunUntil(() => received == 5_000_000, TimeSpan.FromSeconds(20)), $"stopped at {received}");
        server.Output.Complete();
        pair.Clock.Advance(TimeSpan.FromMinutes(2));
        pair.A.AssertClean();
        pair.B.AssertClean();
        Assert.True(sending.IsCompleted && receiving.IsCompleted);
    }

    [Fact]
    public void Path_that_widens_gets_larger_segments()
    {
        using var pair = new TcpPair();
        pair.Link.Conditions.Known = 800;
        var (client, server) = pair.Connect();
        int largest = 0;
        pair.Link.Filter = packet =>
        {
            largest = Math.Max(largest, packet.Bytes.Length);
            return true;
        };
        Transfer(200_000);
        Assert.Equal(800, largest);
        pair.Link.Conditions.Known = TcpLink.Mtu;
        Transfer(200_000);
        Assert.Equal(TcpLink.Mtu, largest);

        void Transfer(long bytes)
        {
            var sending = TcpTraffic.SendAsync(client.Output, bytes, 1, complete: false);
            long received = 0;
            while (received < bytes)
            {
                pair.Clock.Advance(TimeSpan.FromMilliseconds(10));
                if (server.Input.TryRead(out var result))
                {
                    received += result.Buffer.Length;
                    server.Input.AdvanceTo(result.Buffer.End);
                }
            }

            pair.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.True(sending.IsCompletedSuccessfully);
        }
    }

    /// <summary>Sizes that change at any moment, with loss and reordering, at both ends.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Path_that_changes_all_the_time_loses_no_byte(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var pair = new TcpPair(seed);
        pair.Link.Conditions.Bandwidth = 1_000_000;
        pair.Link.Conditions.Loss = 0.01;
        pair.Link.Conditions.Reorder = 0.02;
        var options = TcpPair.Options with { SelectiveAck = seed != 4, Timestamps = seed != 3 };
        var (client, server) = pair.Connect(options, options);
        var tasks = new[]
        {
            TcpTraffic.SendAsync(client.Output, 1_000_000, 1), TcpTraffic.ReceiveAsync(server.Input, 1),
            TcpTraffic.SendAsync(server.Output, 1_000_000, 2), TcpTraffic.ReceiveAsync(client.Input, 2),
        };
        bool done = pair.Clock.RunUntil(
            () =>
            {
                if (random.Chance(0.01))
                {
                    int size = 100 + random.Next(TcpLink.Mtu - 99);
                    bool narrower = size < pair.Link.Conditions.Known;
                    pair.Link.Conditions.Passes = size;
                    pair.Link.Conditions.Known = size;
                    if (narrower && random.Chance(0.8))
                    {
                        pair.A.Layer.OnPathNarrowed(pair.B.Mac);
                        pair.B.Layer.OnPathNarrowed(pair.A.Mac);
                    }
                }

                return tasks.All(task => task.IsCompleted);
            },
            TimeSpan.FromMinutes(10));
        Assert.True(done, "It hangs.");
        Assert.All(tasks, task => Assert.True(task.IsCompletedSuccessfully, task.Exception?.Message));
    }
}
