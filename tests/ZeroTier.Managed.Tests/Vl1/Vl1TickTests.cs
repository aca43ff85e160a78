using ZeroTier.Managed.Vl1.Limits;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>The control ticks of several nodes.</summary>
public sealed class Vl1TickTests
{
    [Fact]
    public void Nodes_tick_at_the_same_moments_whenever_they_started()
    {
        using var simulation = new Vl1Simulation();
        var planet = simulation.CreatePlanet("10.0.0.1");
        var ticks = new List<TimeSpan>[3];
        for (int i = 0; i < ticks.Length; i++)
        {
            simulation.Advance(0.0171);
            var mine = ticks[i] = [];
            simulation.Add(i, planet, $"10.0.0.{i + 1}", node => node.Client.Ticked = () => mine.Add(simulation.Clock.Elapsed));
        }

        simulation.Advance(3);
        foreach (var mine in ticks)
        {
            // The first one belongs to the start.
            Assert.InRange(mine.Count, 6, 7);
            Assert.InRange(mine[1] - mine[0], TimeSpan.FromMilliseconds(Vl1Timing.Tick), TimeSpan.FromMilliseconds(Vl1Timing.Tick + 50));
            Assert.All(mine.Skip(1), time => Assert.Equal(0, time.Ticks % TimeSpan.FromMilliseconds(Vl1Timing.TickGrid).Ticks / 10_000));
            Assert.All(mine.Skip(1).Zip(mine.Skip(2)), pair => Assert.Equal(Vl1Timing.Tick, (pair.Second - pair.First).TotalMilliseconds));
        }
    }
}
