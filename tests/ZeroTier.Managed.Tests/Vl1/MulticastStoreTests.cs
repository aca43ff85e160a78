using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>The directory of multicast groups against a list of who subscribed when.</summary>
public class MulticastStoreTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_comes_and_goes_who_is_picked_is_who_subscribed(ulong seed)
    {
        var random = new SeededRandom(seed);
        var store = new MulticastStore();
        var expected = new Dictionary<(uint Group, ulong Member), long>();
        for (long now = 0; now < 3_000_000; now += 1000)
        {
            uint adi = (uint)random.Next(3);
            var group = new MulticastStore.Group(1, 2, adi);
            ulong member = 1 + (ulong)random.Next(20);
            switch (random.Next(4))
            {
                case 0:
                    store.Remove(group, new NodeId(member));
                    expected.Remove((adi, member));
                    break;
                case 1:
                    store.Expire(now);
                    foreach (var (key, _) in expected.Where(e => now - e.Value >= Vl1Timing.MulticastLike).ToArray())
                    {
                        expected.Remove(key);
                    }

                    break;
                default:
                    Assert.True(store.Add(group, new NodeId(member), now));
                    expected[(adi, member)] = now;
                    break;
            }

            var picked = new List<NodeId>();
            ulong[] members = [.. expected.Keys.Where(k => k.Group == adi).Select(k => k.Member).Order()];
            Assert.Equal(members.Length, store.Gather(group, new NodeId(member), int.MaxValue, random, picked));
            Assert.Equal(members.Where(m => m != member), picked.Select(p => p.Value).Order());
            Assert.Equal(expected.Count, store.Count);
        }
    }
}
