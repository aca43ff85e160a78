using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>What counts as lost.</summary>
public sealed class SackScoreboardTests
{
    private readonly SackScoreboard _scoreboard = new();

    public SackScoreboardTests()
    {
        _scoreboard.Add(1000, 500, 0);
        _scoreboard.Add(1500, 300, 0);
    }

    [Fact]
    public void A_tail_loss_probe_repeats_the_last_segment_which_does_not_count_as_lost()
    {
        Assert.True(_scoreboard.MarkLastLost());

        Assert.Equal((300, 0), (_scoreboard.LostBytes, _scoreboard.TotalLost));
        Assert.True(_scoreboard.TryRetransmit(10, out uint sequence, out int length));
        Assert.Equal((1500u, 300), (sequence, length));
    }

    [Fact]
    public void After_a_timeout_all_count_as_lost()
    {
        _scoreboard.MarkLostOnTimeout(10);

        Assert.Equal((800, 800), (_scoreboard.LostBytes, _scoreboard.TotalLost));
    }
}
