using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>The state machine of a path's size by itself (RFC 8899, 5.2), driven by hand in time.</summary>
public sealed class PathMtuTests
{
    private const int Usual = 1432;
    private const int Jumbo = 8952;
    private const int RoundTrip = 20;

    private readonly PathMtu _mtu = new();
    private readonly List<int> _probes = [];
    private readonly SeededRandom _random;
    private ulong _id;
    private long _now;
    private long _lastHeard;

    public PathMtuTests() => _random = new SeededRandom(5);

    [Fact]
    public void Rfc8899_5_2_Usual_size_is_confirmed_within_one_round_trip_and_one_probe()
    {
        Assert.Equal(PathMtu.Base, _mtu.Size);
        Assert.Equal(PathMtu.Max, _mtu.Expected);
        Assert.True(_mtu.IsDue(60, _now), "the first packet, however small");
        Use(RoundTrip, passes: Usual);
        Assert.Equal([Usual], _probes);
        Assert.Equal(Usual, _mtu.Size);
    }

    [Fact]
    public void Rfc8899_5_3_Jumbo_frames_are_used_after_two_round_trips_and_two_probes()
    {
        Use(2 * RoundTrip, passes: Jumbo);
        Assert.Equal([Usual, PathMtu.Max], _probes);
        Assert.Equal(PathMtu.Max, _mtu.Size);
        Assert.Equal(PathMtu.Max, _mtu.Expected);
    }

    [Theory]
    [InlineData(1432)]
    [InlineData(1472)]
    [InlineData(2851)]
    public void Rfc8899_5_3_Between_the_usual_size_and_the_largest_the_usual_one_is_used(int passes)
    {
        Use(60_000, passes);
        Assert.Equal([Usual, PathMtu.Max, PathMtu.Max, PathMtu.Max, Usual], _probes);
        Assert.Equal(Usual, _mtu.Size);

        // A peer that fragments its frames loses none of them here.
        Assert.Equal(PathMtu.Max, _mtu.Expected);
    }

    [Fact]
    public void Rfc8899_4_3_Path_that_no_longer_carries_jumbo_frames_goes_on_with_the_usual_size()
    {
        Use(10_000, Jumbo);
        Assert.True(_mtu.Doubt(_now));
        Use(5_000, Usual);
        Assert.Equal(Usual, _mtu.Size);

        // With the next look for more.
        Use(700_000, Jumbo);
        Assert.Equal(PathMtu.Max, _mtu.Size);
    }

    [Fact]
    public void Refusal_of_the_system_ends_the_search_beyond_the_usual_size_at_once()
    {
        Use(2 * RoundTrip, 1472, refuses: true);
        Assert.Equal([Usual, PathMtu.Max], _probes);
        Assert.Equal(Usual, _mtu.Size);
        Assert.False(_mtu.IsDue(Usual, _now));
    }

    [Theory]
    [InlineData(1232)]
    [InlineData(1252)]
    [InlineData(1300)]
    [InlineData(1352)]
    [InlineData(1372)]
    [InlineData(1392)]
    [InlineData(1431)]
    public void Rfc8899_5_3_Narrower_path_is_used_to_sixteen_bytes_of_what_passes(int passes)
    {
        Use(30_000, passes);
        Assert.InRange(_mtu.Size, passes - 15, passes);
        Assert.Equal(_mtu.Size, _mtu.Expected);
        Assert.InRange(_probes.Count, 4, 25);
    }

    [Fact]
    public void Rfc8899_5_2_Path_narrower_than_the_base_uses_the_least_size_until_the_base_passes()
    {
        Use(30_000, passes: 1000);
        Assert.Equal(PathMtu.Min, _mtu.Size);
        Assert.Equal(PathMtu.Min, _mtu.Expected);
        Use(100_000, passes: Usual);
        Assert.Equal(Usual, _mtu.Size);
    }

    [Theory]
    [InlineData(1400)]
    [InlineData(1232)]
    [InlineData(600)]
    public void Rfc8899_4_3_Black_hole_is_found_two_seconds_after_a_doubt_and_half_a_minute_without(int passes)
    {
        Use(10_000, Usual);
        Assert.True(_mtu.Doubt(_now));
        Use(2_000, passes);
        Assert.InRange(_mtu.Size, PathMtu.Min, Math.Max(passes, PathMtu.Base));
        Use(60_000, passes);
        Assert.InRange(_mtu.Size, Math.Min(PathMtu.Min, passes), passes);

        // Wide again: with the next look for more.
        Use(700_000, Usual);
        Assert.Equal(Usual, _mtu.Size);
        Use(35_000, passes);
        Assert.InRange(_mtu.Size, PathMtu.Min, Math.Max(passes, PathMtu.Base));
    }

    [Fact]
    public void Rfc8899_4_3_Silence_of_the_whole_path_says_nothing_of_sizes()
    {
        Use(10_000, Usual);
        Assert.True(_mtu.Doubt(_now));
        _probes.Clear();
        Use(40_000, passes: 0);
        Assert.Equal(Usual, _mtu.Size);
        Assert.InRange(_probes.Count, 3, 24);
    }

    [Fact]
    public void Rfc8899_5_1_2_Lossy_path_of_full_size_stays_at_it()
    {
        for (int i = 0; i < 200; i++)
        {
            _mtu.Doubt(_now);
            Use(5_000, Usual, loss: 0.1);
        }

        Assert.Equal(Usual, _mtu.Size);
    }

    [Fact]
    public void Refusal_of_the_system_ends_a_search_within_a_few_round_trips()
    {
        for (int i = 0; i < 10; i++)
        {
            Use(RoundTrip, 1372, refuses: true);
        }

        Assert.InRange(_mtu.Size, 1372 - 15, 1372);
        Assert.InRange(_probes.Count, 4, 9);
    }

    [Fact]
    public void Late_answer_to_the_first_of_three_probes_counts()
    {
        Step();
        ulong first = _id;
        _now += 1100;
        Step();
        Assert.Equal([Usual, Usual], _probes);
        Assert.True(_mtu.IsRepeating);
        _now += 100;
        Assert.True(_mtu.OnAnswer(first, _now));
        Assert.False(_mtu.OnAnswer(first, _now));
        Assert.Equal(Usual, _mtu.Size);
    }

    [Fact]
    public void Small_packets_alone_are_no_reason_to_probe_again()
    {
        Use(10_000, Usual);
        _now += 3_600_000;
        Assert.False(_mtu.IsDue(1231, _now));
        Assert.True(_mtu.IsDue(1232, _now));
    }

    [Fact]
    public void Ground_that_moves_is_looked_at_from_the_start()
    {
        Use(RoundTrip, Usual);
        _mtu.Reset();
        Assert.Equal(PathMtu.Base, _mtu.Size);
        Assert.True(_mtu.IsDue(60, _now));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Whatever_happens_the_size_ends_at_what_passes(ulong seed)
    {
        var random = new SeededRandom(seed);
        for (int i = 0; i < 200; i++)
        {
            int passes = random.Chance(0.2) ? Usual : random.Chance(0.2) ? Jumbo : PathMtu.Base + random.Next(300);
            int events = random.Next(4);
            for (int k = 0; k < events; k++)
            {
                Use(random.Next(5_000), random.Chance(0.3) ? 0 : PathMtu.Min + random.Next(1000), loss: 0.2 * random.NextDouble());
                if (random.Chance(0.2))
                {
                    _mtu.Doubt(_now);
                }
            }

            int before = _probes.Count;
            Use(720_000, passes);
            int best = passes >= PathMtu.Max ? PathMtu.Max : Math.Min(Usual, passes);
            Assert.InRange(_mtu.Size, best - 15, best);
            Assert.InRange(_probes.Count - before, 1, 150);
        }
    }

    // Traffic of full size each half second, as a tick of the node would see it. Small packets pass unless nothing does.
    private void Use(int milliseconds, int passes, double loss = 0, bool refuses = false)
    {
        for (long end = _now + milliseconds; _now < end;)
        {
            Step();
            int size = _mtu.Probing;
            if (refuses && size > passes)
            {
                _mtu.OnRefused(size, _now);
                continue;
            }

            long next = Math.Min(end, _now + 500);
            if (passes > 0)
            {
                _now = Math.Min(next, _now + RoundTrip);
                _lastHeard = _now;
                if (size != 0 && size <= passes && !_random.Chance(loss))
                {
                    _mtu.OnAnswer(_id, _now);
                    continue;
                }
            }

            _now = next;
        }
    }

    private void Step()
    {
        if ((_mtu.Probing != 0 || _mtu.IsDue(_mtu.Size, _now)) && _mtu.Next(_now, _lastHeard) is > 0 and int size)
        {
            Assert.InRange(size, PathMtu.Base, PathMtu.Max);
            _probes.Add(size);
            _mtu.OnSent(++_id, _now);
        }
    }
}
