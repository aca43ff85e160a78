using System.Text;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Datagrams;

public sealed class VirtualNetworkTests
{
    private readonly VirtualClock _clock = new();
    private readonly VirtualNetwork _network;

    public VirtualNetworkTests() => _network = new VirtualNetwork(_clock, 1);

    [Fact]
    public void A_datagram_arrives_after_the_delay_and_never_inside_the_send()
    {
        var (a, b) = Pair(new VirtualLink { Delay = TimeSpan.Zero });

        a.Send("now", b.EndPoint);
        Assert.Empty(b.Receiver.Lines);
        _clock.RunUntilIdle();
        Assert.Equal(["0 now", "|"], b.Receiver.Lines);

        _network.DefaultLink = new VirtualLink { Delay = TimeSpan.FromMilliseconds(30) };
        a.Send("later", b.EndPoint);
        _clock.Advance(TimeSpan.FromMilliseconds(29.999));
        Assert.Equal(2, b.Receiver.Lines.Count);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["30 later", "|"], b.Receiver.Lines[2..]);
        Assert.Equal(a.EndPoint, b.Receiver.Sources[0]);
    }

    [Fact]
    public void A_run_is_cut_into_its_datagrams_and_forms_one_batch()
    {
        var (a, b) = Pair();
        a.Transport.Send(0, b.EndPoint, "aaaabbbbcc"u8, 4);
        a.Send("x", b.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["1 aaaa", "1 bbbb", "1 cc", "1 x", "|"], b.Receiver.Lines);
    }

    [Fact]
    public void Answers_sent_inside_a_delivery_come_in_a_later_batch()
    {
        var (a, b) = Pair(new VirtualLink { Delay = TimeSpan.Zero });
        b.Receiver.Answer = source => b.Send("pong", source);
        a.Send("ping", b.EndPoint);
        a.Send("ping", b.EndPoint);
        _clock.RunUntilIdle();
        Assert.Equal(["0 ping", "0 ping", "|"], b.Receiver.Lines);
        Assert.Equal(["0 pong", "0 pong", "|"], a.Receiver.Lines);
    }

    [Fact]
    public void Datagrams_that_arrive_before_the_start_are_kept()
    {
        var receiver = new RecordingReceiver(_clock);
        var a = Open("a", "10.0.0.1");
        var late = _network.AddHost("late", "10.0.0.2").Open(9993);
        a.Send("early", late.LocalEndPoints[0]);
        _clock.Advance(TimeSpan.FromSeconds(1));
        late.Start(receiver);
        _clock.RunUntilIdle();
        Assert.Equal(["early"], receiver.Texts);
    }

    [Theory]
    [InlineData(0.3, 600, 800)]
    [InlineData(1, 0, 0)]
    public void Loss_has_about_its_probability(double loss, int least, int most)
    {
        var (a, b) = Pair(new VirtualLink { Loss = loss });
        SendMany(a, b, 1000);
        Assert.InRange(b.Receiver.Texts.Count(), least, most);
        Assert.Equal(1000, _network.Count(DatagramFate.Lost) + _network.Count(DatagramFate.Delivered));
    }

    [Fact]
    public void Duplicates_and_corruption_happen()
    {
        var (a, b) = Pair(new VirtualLink { Duplicate = 0.5, Corrupt = 0.5 });
        SendMany(a, b, 1000);
        Assert.InRange(b.Receiver.Texts.Count(), 1400, 1600);
        int intact = b.Receiver.Texts.Count(t => int.TryParse(t, out _));
        Assert.InRange(b.Receiver.Texts.Count() - intact, 300, 900);
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(0, 0.2)]
    public void Jitter_and_reordering_let_datagrams_overtake(int jitter, double reorder)
    {
        var (a, b) = Pair(new VirtualLink { Jitter = TimeSpan.FromMilliseconds(jitter), Reorder = reorder });
        SendMany(a, b, 100);
        var numbers = b.Receiver.Texts.Select(int.Parse).ToList();
        Assert.Equal(100, numbers.Count);
        Assert.NotEqual(numbers.Order(), numbers);
        Assert.Equal(Enumerable.Range(0, 100), numbers.Order());
    }

    [Fact]
    public void Bandwidth_spaces_datagrams_and_a_full_queue_drops()
    {
        // 100 bytes with headers at 10,000 bytes per second: 10 ms each; room for five.
        var (a, b) = Pair(new VirtualLink { Bandwidth = 10_000, QueueBytes = 500, Delay = TimeSpan.Zero });
        for (int i = 0; i < 8; i++)
        {
            a.Transport.Send(0, b.EndPoint, new byte[72], 72);
        }

        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([10, 20, 30, 40, 50], b.Receiver.Lines.Where(l => l != "|").Select(l => int.Parse(l.Split(' ')[0])));
        Assert.Equal(3, _network.Count(DatagramFate.QueueFull));
    }

    [Fact]
    public void The_mtu_drops_larger_datagrams_only()
    {
        var (a, b) = Pair(new VirtualLink { Mtu = 5 });
        a.Send("12345", b.EndPoint);
        a.Send("123456", b.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["12345"], b.Receiver.Texts);
        Assert.Equal(1, _network.Count(DatagramFate.TooBig));
    }

    [Fact]
    public void A_link_may_differ_per_direction()
    {
        var (a, b) = Pair();
        _network.SetOneWayLink(a.Host, b.Host, new VirtualLink { Delay = TimeSpan.FromMilliseconds(50) });
        a.Send("slow", b.EndPoint);
        b.Send("fast", a.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["50 slow", "|"], b.Receiver.Lines);
        Assert.Equal(["1 fast", "|"], a.Receiver.Lines);
    }

    [Fact]
    public void A_partition_separates_groups_and_heals()
    {
        var (a, b) = Pair();
        var root = Open("root", "10.0.0.3");
        _network.PartitionFor(TimeSpan.FromSeconds(5), [a.Host], [b.Host]);
        a.Send("cut", b.EndPoint);
        a.Send("to root", root.EndPoint);
        root.Send("from root", b.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(5));
        a.Send("healed", b.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["from root", "healed"], b.Receiver.Texts);
        Assert.Equal(["to root"], root.Receiver.Texts);
    }

    [Fact]
    public void A_blocked_pair_is_silent_both_ways()
    {
        var (a, b) = Pair();
        _network.Block(a.Host, b.Host);
        a.Send("1", b.EndPoint);
        b.Send("2", a.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(1));
        _network.Unblock(a.Host, b.Host);
        a.Send("3", b.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["3"], b.Receiver.Texts);
        Assert.Empty(a.Receiver.Texts);
        Assert.Equal(2, _network.Count(DatagramFate.Blocked));
    }

    [Fact]
    public async Task A_closed_transport_receives_nothing_and_its_port_is_free_again()
    {
        var (a, b) = Pair();
        a.Send("lost", b.EndPoint);
        await b.Transport.DisposeAsync();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(b.Receiver.Texts);

        var again = new RecordingReceiver(_clock);
        b.Host.Open(b.EndPoint.Port).Start(again);
        a.Send("back", b.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["back"], again.Texts);
        Assert.Throws<System.Net.Sockets.SocketException>(() => b.Host.Open(b.EndPoint.Port));
    }

    [Theory]
    [InlineData(NatKind.FullCone, true, true)]
    [InlineData(NatKind.RestrictedCone, false, true)]
    [InlineData(NatKind.PortRestrictedCone, false, false)]
    [InlineData(NatKind.Symmetric, false, false)]
    public void A_translator_hides_the_host_and_filters_by_kind(NatKind kind, bool fromStranger, bool fromOtherPort)
    {
        var nat = _network.AddNat(kind, "203.0.113.1");
        var inside = Open(nat.AddHost("inside", "192.168.0.2"));
        var serverHost = _network.AddHost("server", "198.51.100.1");
        var server = Open(serverHost);
        var otherPort = Open(serverHost, 1234);
        var stranger = Open("stranger", "198.51.100.2");

        inside.Send("hello", server.EndPoint);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var seen = Assert.Single(server.Receiver.Sources);
        Assert.Equal("203.0.113.1", seen.ToIPEndPoint().Address.ToString());
        Assert.Equal(kind != NatKind.Symmetric, seen.Port == 9993);

        server.Send("answer", seen);
        otherPort.Send("other port", seen);
        stranger.Send("stranger", seen);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("answer", inside.Receiver.Texts);
        Assert.Equal(fromOtherPort, inside.Receiver.Texts.Contains("other port"));
        Assert.Equal(fromStranger, inside.Receiver.Texts.Contains("stranger"));

        // The mapping ends without outbound traffic.
        _clock.Advance(nat.MappingLifetime);
        server.Send("too late", seen);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.DoesNotContain("too late", inside.Receiver.Texts);
    }

    [Fact]
    public void Two_hosts_behind_cones_punch_holes_with_short_lived_datagrams()
    {
        var a = Open(_network.AddNat(NatKind.PortRestrictedCone, "203.0.113.1").AddHost("a", "192.168.0.2"));
        var b = Open(_network.AddNat(NatKind.PortRestrictedCone, "203.0.113.2").AddHost("b", "192.168.0.2"));
        var aOutside = InetEndPoint.From(System.Net.IPEndPoint.Parse("203.0.113.1:9993"));
        var bOutside = InetEndPoint.From(System.Net.IPEndPoint.Parse("203.0.113.2:9993"));

        // Dies after the translator, yet opens it.
        a.Transport.SendWithHopLimit(0, bOutside, "opener"u8, 2);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _network.Count(DatagramFate.Expired));

        b.Send("hello", aOutside);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["hello"], a.Receiver.Texts);
        a.Send("hello yourself", bOutside);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["hello yourself"], b.Receiver.Texts);
    }

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        static (ulong Hash, int Captured) Run(ulong seed)
        {
            var clock = new VirtualClock();
            int captured = 0;
            var network = new VirtualNetwork(clock, seed)
            {
                DefaultLink = new VirtualLink
                {
                    Loss = 0.1,
                    Duplicate = 0.1,
                    Corrupt = 0.1,
                    Reorder = 0.1,
                    Jitter = TimeSpan.FromMilliseconds(3),
                },
                Capture = (in VirtualDatagram _) => captured++,
            };
            var b = network.AddHost("b", "10.0.0.2").Open();
            var a = network.AddHost("a", "10.0.0.1").Open();
            b.Start(new RecordingReceiver(clock));
            a.Start(new RecordingReceiver(clock));
            for (int i = 0; i < 100; i++)
            {
                a.Send(0, b.LocalEndPoints[0], Encoding.ASCII.GetBytes($"{i}"), 10);
                clock.Advance(TimeSpan.FromMilliseconds(1));
            }

            clock.Advance(TimeSpan.FromSeconds(1));
            return (network.LogHash, captured);
        }

        Assert.Equal(Run(5), Run(5));
        Assert.NotEqual(Run(5).Hash, Run(6).Hash);
        Assert.InRange(Run(5).Captured, 100, 130);
    }

    private (Station A, Station B) Pair(VirtualLink? link = null)
    {
        _network.DefaultLink = link ?? VirtualLink.Perfect;
        return (Open("a", "10.0.0.1"), Open("b", "10.0.0.2"));
    }

    private Station Open(string name, string address) => Open(_network.AddHost(name, address));

    private Station Open(VirtualHost host, ushort port = 9993)
    {
        var transport = host.Open(port);
        var receiver = new RecordingReceiver(_clock);
        transport.Start(receiver);
        return new Station(host, transport, receiver);
    }

    private void SendMany(Station from, Station to, int count)
    {
        for (int i = 0; i < count; i++)
        {
            from.Send($"{i}", to.EndPoint);
            _clock.Advance(TimeSpan.FromMilliseconds(0.5));
        }

        _clock.Advance(TimeSpan.FromSeconds(1));
    }

    private sealed record Station(VirtualHost Host, VirtualDatagramTransport Transport, RecordingReceiver Receiver)
    {
        public InetEndPoint EndPoint => Transport.LocalEndPoints[0];

        public void Send(string text, InetEndPoint to) => Transport.Send(0, to, Encoding.ASCII.GetBytes(text), text.Length);
    }
}
