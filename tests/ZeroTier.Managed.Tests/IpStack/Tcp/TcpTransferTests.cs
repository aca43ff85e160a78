using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

public sealed class TcpTransferTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3_000_000)]
    public void Transfer_both_ways_arrives_intact_and_leaves_nothing(int count)
    {
        using var pair = new TcpPair();
        (TcpSocket client, TcpSocket server) = pair.Connect();
        pair.Clock.Run(
            async () =>
            {
                Task up = TcpTraffic.SendAsync(client.Output, count, 1);
                Task down = TcpTraffic.SendAsync(server.Output, count, 2);
                Task<long> received = TcpTraffic.ReceiveAsync(server.Input, 1);
                Assert.Equal(count, await TcpTraffic.ReceiveAsync(client.Input, 2));
                Assert.Equal(count, await received);
                await up;
                await down;
                Assert.Null(await client.ReceiveEnded);
                Assert.Null(await client.SendEnded);
                Assert.Null(await server.ReceiveEnded);
                Assert.Null(await server.SendEnded);
            },
            TcpPair.Minutes);
        client.Dispose();
        server.Dispose();
        pair.Clock.Advance(TimeSpan.FromSeconds(1));
        pair.A.AssertClean();
        pair.B.AssertClean();
        Assert.Equal(0, pair.A.Layer.Statistics[TcpCounter.Retransmissions]);
        Assert.Equal(0, pair.B.Layer.Statistics[TcpCounter.Retransmissions]);
    }
}
