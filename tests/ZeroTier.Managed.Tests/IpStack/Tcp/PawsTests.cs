using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Which timestamps count as those of an earlier turn of the sequence numbers.</summary>
public sealed class PawsTests
{
    private const long Second = TimeSpan.TicksPerSecond;

    [Fact]
    public void Before_the_peers_SYN_everything_is_old()
    {
        var paws = new Paws(1000, now: 0);
        Assert.True(paws.IsOld(999, moved: 0, now: 1));
        Assert.False(paws.IsOld(1000, moved: 0, now: 1));
    }

    [Fact]
    public void The_limit_is_the_latest_of_ten_to_twenty_seconds_ago()
    {
        var paws = new Paws(0, now: 0);
        for (int i = 0; i <= 100; i++)
        {
            Assert.False(paws.IsOld((uint)(i * 1000), moved: 0, i * Second));
            paws.Take((uint)(i * 1000), i * Second);
        }

        Assert.False(paws.IsOld(90_001, moved: 0, 100 * Second));
        Assert.True(paws.IsOld(79_000, moved: 0, 100 * Second));
    }

    // At 10 GB/s the numbers come again after 0.4 s.
    [Fact]
    public void The_limit_is_no_longer_ago_than_two_GiB()
    {
        var paws = new Paws(0, now: 0);
        uint moved = 0;
        for (int i = 0; i <= 1000; i++, moved += 10_000_000)
        {
            long now = i * TimeSpan.TicksPerMillisecond;
            Assert.False(paws.IsOld((uint)i, moved, now));
            paws.Take((uint)i, now);
        }

        Assert.False(paws.IsOld(901, moved, Second));
        Assert.True(paws.IsOld(780, moved, Second));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(30)]
    public void A_connection_that_was_silent_for_days_goes_on(int days)
    {
        var paws = new Paws(0, now: 0);
        for (long i = 0; i < 5; i++)
        {
            long now = i * days * TimeSpan.TicksPerDay;
            uint timestamp = (uint)(now / TimeSpan.TicksPerMillisecond);
            Assert.False(paws.IsOld(timestamp, moved: 0, now));
            paws.Take(timestamp, now);
            Assert.False(paws.IsOld(timestamp + 1, moved: 0, now + Second));
            Assert.True(paws.IsOld(timestamp - 1, moved: 0, now + 40 * Second));
        }
    }

    [Fact]
    public void The_latest_never_goes_back()
    {
        var paws = new Paws(5, now: 0);
        paws.Take(7, now: 1);
        paws.Take(6, now: 2);
        Assert.Equal(7u, paws.Latest);
    }
}
