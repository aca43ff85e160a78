using ZeroTier.Managed.Datagrams.Platform;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>How many messages are received at once.</summary>
public sealed class LinuxReceiveSlotsTests
{
    [Theory]
    [InlineData(4, 4 * 100, 32)]
    [InlineData(32, 32 * 1432, 32)]
    [InlineData(1, 0, 32)]
    [InlineData(8, 8 * 16_384, 16)]
    [InlineData(4, 4 * 65_000, 4)]
    [InlineData(32, 32 * 65_000, 4)]
    public void Many_short_messages_or_few_long_ones_are_received_at_once(int messages, long bytes, int next)
    {
        var slots = new LinuxReceiveSlots();
        Assert.Equal(4, slots.Count);
        slots.Adapt(messages, bytes);
        Assert.Equal(next, slots.Count);
        slots.Free();
    }
}
