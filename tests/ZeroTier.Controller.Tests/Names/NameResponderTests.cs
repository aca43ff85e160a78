using System.Collections.Immutable;
using System.Net;
using ZeroTier.Controller.Names;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests.Names;

/// <summary>Answers for names, byte by byte and by what they mean.</summary>
public sealed class NameResponderTests : IAsyncLifetime
{
    private static readonly NodeIdentity Server = TestIdentities.All[0];
    private static readonly NodeIdentity Orders = TestIdentities.All[1];
    private static readonly NodeIdentity Billing = TestIdentities.All[2];
    private static readonly NodeIdentity Silent = TestIdentities.All[3];

    private readonly byte[] _buffer = new byte[NameResponder.MaxAnswer];
    private ControllerBench _bench = null!;
    private NetworkId _network;

    private NameResponder Responder => new(_bench.Controller.FindNames(_network)!, _bench.Clock);

    public async ValueTask InitializeAsync()
    {
        _bench = await ControllerBench.StartAsync();
        _network = (await _bench.CreateAsync(n => Addressing.Pool("10.147.20.1", "10.147.20.254", "10.147.20.0")(n) with
        {
            IPv6Assignment = IPv6Assignment.Rfc4193,
            Dns = new NetworkDnsSettings("Home.Arpa", []),
            ServesNames = true,
        })).Id;
        await MakeAsync(Orders, "orders", "10.147.20.99");
        await MakeAsync(Billing, "Billing System", "10.147.20.98");
        await _bench.UpdateAsync(_network, Silent, m => m with { Name = "silent", IsAuthorized = true, AssignsAddresses = false });
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public void A_query_as_tools_send_it_is_answered_byte_for_byte()
    {
        byte[] query = Convert.FromHexString(
            "a1b201200001000000000001" + "066f7264657273" + "04486f4d65" + "0461727061" + "00" + "00010001" + "00002904d0000000000000");
        Assert.Equal(
            "a1b285000001000100000001" + "066f7264657273" + "04486f4d65" + "0461727061" + "00" + "00010001" +
            "c00c000100010000000a00040a931463" + "00002904d0000000000000",
            Convert.ToHexStringLower(_buffer.AsSpan(0, Responder.Answer(query, isDatagram: true, _buffer))), ignoreCase: true);
    }

    [Fact]
    public void Members_are_found_by_name_and_by_node()
    {
        string ipv6 = _network.GetRfc4193Address(Orders.Address).ToString();
        Assert.Equal(["10.147.20.99"], Ask("orders.home.arpa", DnsMessage.A).Data);
        Assert.Equal([ipv6], Ask("orders.home.arpa", DnsMessage.Aaaa).Data);
        Assert.Equal(["10.147.20.99"], Ask($"{Orders.Address}.home.arpa", DnsMessage.A).Data);
        Assert.Equal(["10.147.20.99", ipv6], Ask("orders.home.arpa", DnsMessage.Any).Data.Order());
        Assert.Equal(["10.147.20.98"], Ask("billing-system.home.arpa", DnsMessage.A).Data);
        DnsMessage mixed = Ask("OrDeRs.hOmE.aRpA", DnsMessage.A);
        Assert.Equal(
            ("OrDeRs.hOmE.aRpA.", "OrDeRs.hOmE.aRpA.", true, 0),
            (mixed.Question, mixed.Answers[0].Owner, mixed.IsAuthoritative, mixed.Code));
        Assert.Equal(NameResponder.Lifetime, mixed.Answers[0].Lifetime);
    }

    [Theory]
    [InlineData("orders.home.arpa", DnsMessage.Txt, 0)]
    [InlineData("silent.home.arpa", DnsMessage.A, 0)]
    [InlineData("home.arpa", DnsMessage.A, 0)]
    [InlineData("nobody.home.arpa", DnsMessage.A, 3)]
    [InlineData("0000000001.home.arpa", DnsMessage.A, 3)]
    [InlineData("www.orders.home.arpa", DnsMessage.A, 3)]
    [InlineData("or!ers.home.arpa", DnsMessage.A, 3)]
    public void What_has_nothing_and_what_is_not_there_are_told_apart(string name, int type, int code)
    {
        DnsMessage answer = Ask(name, type);
        Assert.Equal((code, 0, true), (answer.Code, answer.Answers.Count, answer.IsAuthoritative));
        DnsMessage.Record zone = Assert.Single(answer.Authorities);
        Assert.Equal(
            ("home.arpa.", DnsMessage.Soa, $"{Server.Address}.home.arpa. hostmaster.home.arpa."),
            (zone.Owner.ToLowerInvariant(), zone.Type, zone.Data));
    }

    [Fact]
    public void The_domain_says_who_answers_for_it()
    {
        Assert.Equal([$"{Server.Address}.home.arpa."], Ask("home.arpa", DnsMessage.NS).Data);
        Assert.Equal([$"{Server.Address}.home.arpa. hostmaster.home.arpa."], Ask("home.arpa", DnsMessage.Soa).Data);
        Assert.Equal(2, Ask("home.arpa", DnsMessage.Any).Answers.Count);
    }

    [Fact]
    public void Addresses_lead_to_names()
    {
        Assert.Equal(["orders.home.arpa."], Ask("99.20.147.10.in-addr.arpa", DnsMessage.Ptr).Data);
        Assert.Equal(["orders.home.arpa."], Ask(Reverse(_network.GetRfc4193Address(Orders.Address)), DnsMessage.Ptr).Data);
        DnsMessage nobody = Ask("97.20.147.10.in-addr.arpa", DnsMessage.Ptr);
        Assert.Equal((3, "20.147.10.in-addr.arpa."), (nobody.Code, Assert.Single(nobody.Authorities).Owner));
        DnsMessage other = Ask("99.20.147.10.in-addr.arpa", DnsMessage.A);
        Assert.Equal((0, 0, 1), (other.Code, other.Answers.Count, other.Authorities.Count));
        Assert.Equal(DnsMessage.Soa, Assert.Single(Ask("20.147.10.in-addr.arpa", DnsMessage.Soa).Answers).Type);
        string between = string.Join('.', Reverse(_network.GetRfc4193Address(Orders.Address)).Split('.')[4..]);
        Assert.Equal(
            (0, 0, 1),
            (Ask(between, DnsMessage.Ptr).Code, Ask(between, DnsMessage.Ptr).Answers.Count,
                Ask(between, DnsMessage.Ptr).Authorities.Count));
    }

    [Theory]
    [InlineData("www.example.org", DnsMessage.A, 1)]
    [InlineData("evilhome.arpa", DnsMessage.A, 1)]
    [InlineData("arpa", DnsMessage.A, 1)]
    [InlineData("", DnsMessage.NS, 1)]
    [InlineData("8.8.8.8.in-addr.arpa", DnsMessage.Ptr, 1)]
    [InlineData("147.10.in-addr.arpa", DnsMessage.Ptr, 1)]
    [InlineData("1.99.20.147.10.in-addr.arpa", DnsMessage.Ptr, 1)]
    [InlineData("099.20.147.10.in-addr.arpa", DnsMessage.Ptr, 1)]
    [InlineData("home.arpa", DnsMessage.Axfr, 1)]
    [InlineData("orders.home.arpa", DnsMessage.A, 3)]
    public void What_is_not_of_the_network_is_refused(string name, int type, int kind)
    {
        DnsMessage answer = DnsMessage.Read(Respond(DnsMessage.Query(name, type, kind: kind)));
        Assert.Equal((5, 0, 0, false), (answer.Code, answer.Answers.Count, answer.Authorities.Count, answer.IsAuthoritative));
    }

    [Fact]
    public void Damaged_queries_get_the_error_that_they_are_due()
    {
        byte[] good = DnsMessage.Query("orders.home.arpa", DnsMessage.A, size: 1232);
        Assert.Equal(0, Responder.Answer(good.AsSpan(0, 11), true, _buffer));
        Assert.Equal(0, Responder.Answer(With(good, 2, 0x80), true, _buffer));
        Assert.Equal(4, DnsMessage.Read(Respond(With(good, 2, 0x28))).Code);
        Assert.Equal(1, DnsMessage.Read(Respond(With(good, 5, 2))).Code);
        Assert.Equal(1, DnsMessage.Read(Respond(With(good, 7, 1))).Code);
        Assert.Equal(1, DnsMessage.Read(Respond(With(good, 12, 0xc0))).Code);
        Assert.Equal(1, DnsMessage.Read(Respond(good[..30])).Code);
        Assert.Equal(1, DnsMessage.Read(Respond(good[..^1])).Code);
        Assert.Equal(1, DnsMessage.Read(Respond(With([.. good, .. good[^11..]], 11, 2))).Code);
    }

    [Fact]
    public void Extensions_are_answered_in_kind()
    {
        Assert.Empty(Ask("orders.home.arpa", DnsMessage.A).Additional);
        Assert.Equal(16, DnsMessage.Read(Respond(DnsMessage.Query("orders.home.arpa", DnsMessage.A, size: 4096, version: 1))).Code);
        DnsMessage signed = DnsMessage.Read(Respond(DnsMessage.Query("orders.home.arpa", DnsMessage.A, size: 4096, optionFlags: 0x8000)));
        DnsMessage.Record options = Assert.Single(signed.Additional);
        Assert.Equal(("", DnsMessage.Opt, DnsQuery.MaxDatagram, 0x8000u), (options.Owner, options.Type, options.Kind, options.Lifetime));
    }

    [Fact]
    public async Task An_answer_that_a_datagram_does_not_take_is_left_to_TCP()
    {
        await _bench.UpdateAsync(_network, n => n with { Routes = n.Routes.Add(new NetworkRoute(IPAddress.Parse("fd00::"), 64, null)) });
        await _bench.UpdateAsync(
            _network, Orders, m => m with { Addresses = [.. Enumerable.Range(1, 40).Select(i => IPAddress.Parse($"fd00::{i:x}"))] });
        byte[] query = DnsMessage.Query("orders.home.arpa", DnsMessage.Aaaa);
        DnsMessage cut = DnsMessage.Read(Respond(query));
        Assert.Equal((true, 0, 0), (cut.IsTruncated, cut.Answers.Count, cut.Code));
        Assert.Equal(
            (false, 32),
            (DnsMessage.Read(Respond(query, isDatagram: false)).IsTruncated,
                DnsMessage.Read(Respond(query, isDatagram: false)).Answers.Count));

        // As much as the asker takes, but never more than goes through everywhere.
        byte[] large = DnsMessage.Query("orders.home.arpa", DnsMessage.Aaaa, size: 65_535);
        Assert.InRange(Respond(large).Length, DnsQuery.MinDatagram, DnsQuery.MaxDatagram);
        Assert.Equal(32, DnsMessage.Read(Respond(large)).Answers.Count);
        Assert.True(DnsMessage.Read(Respond(DnsMessage.Query("orders.home.arpa", DnsMessage.Aaaa, size: 600))).IsTruncated);
        Assert.InRange(Respond(DnsMessage.Query("orders.home.arpa", DnsMessage.Aaaa, size: 0)).Length, 12, DnsQuery.MinDatagram);
    }

    [Fact]
    public async Task The_oldest_member_of_a_name_keeps_it_and_the_other_has_its_node()
    {
        _bench.Clock.Advance(TimeSpan.FromSeconds(1));
        NodeIdentity late = TestIdentities.All[4];
        await MakeAsync(late, "ORDERS", "10.147.20.50");
        Assert.Equal(["10.147.20.99"], Ask("orders.home.arpa", DnsMessage.A).Data);
        Assert.Equal(["10.147.20.50"], Ask($"{late.Address}.home.arpa", DnsMessage.A).Data);
        Assert.Equal([$"{late.Address}.home.arpa."], Ask("50.20.147.10.in-addr.arpa", DnsMessage.Ptr).Data);
        AuditEntry entry = await _bench.Controller
            .ReadAuditAsync(new AuditQuery { Network = _network }, TestContext.Current.CancellationToken)
            .FirstAsync(e => e.Member == late.Address, TestContext.Current.CancellationToken);
        Assert.Contains(Orders.Address.ToString(), entry.Detail, StringComparison.Ordinal);

        await _bench.UpdateAsync(_network, Orders, m => m with { Name = "sales" });
        Assert.Equal(["10.147.20.50"], Ask("orders.home.arpa", DnsMessage.A).Data);
        Assert.Equal(["10.147.20.99"], Ask("sales.home.arpa", DnsMessage.A).Data);
    }

    [Fact]
    public async Task A_change_of_a_member_changes_the_answer_at_once()
    {
        await _bench.UpdateAsync(_network, Orders, m => m with { Name = "shop", Addresses = [IPAddress.Parse("10.147.20.7")] });
        Assert.Equal(3, Ask("orders.home.arpa", DnsMessage.A).Code);
        Assert.Equal(["10.147.20.7"], Ask("shop.home.arpa", DnsMessage.A).Data);
        Assert.Equal(3, Ask("99.20.147.10.in-addr.arpa", DnsMessage.Ptr).Code);
        await _bench.UpdateAsync(_network, Orders, m => m with { IsAuthorized = false });
        Assert.Equal((3, 3, 3), (Ask("shop.home.arpa", DnsMessage.A).Code, Ask($"{Orders.Address}.home.arpa", DnsMessage.A).Code,
            Ask("7.20.147.10.in-addr.arpa", DnsMessage.Ptr).Code));
        Assert.False(_bench.Controller.FindNames(_network)!.IsMember(Orders.Address));
        await _bench.UpdateAsync(_network, Orders, m => m with { IsAuthorized = true });
        Assert.Equal(0, Ask("shop.home.arpa", DnsMessage.A).Code);
        await _bench.Controller.DeleteMemberAsync(
            _network, Orders.Address, null, ControllerBench.Admin, TestContext.Current.CancellationToken);
        Assert.Equal(3, Ask("shop.home.arpa", DnsMessage.A).Code);
        await _bench.UpdateAsync(_network, n => n with { Dns = new NetworkDnsSettings("corp.example", []) });
        Assert.Equal((5, 0), (Ask("silent.home.arpa", DnsMessage.A).Code, Ask("silent.corp.example", DnsMessage.A).Code));
        await _bench.UpdateAsync(_network, n => n with { ServesNames = false });
        Assert.Null(_bench.Controller.FindNames(_network));
    }

    [Fact]
    public async Task Names_are_there_again_after_a_restart()
    {
        await _bench.RestartAsync();
        Assert.Equal(["10.147.20.99"], Ask("orders.home.arpa", DnsMessage.A).Data);
    }

    [Fact]
    public async Task Members_are_told_the_address_of_the_server_when_it_has_one()
    {
        Assert.Empty(_bench.Ask(_network, Orders)!.Configuration.Dns?.Servers ?? []);
        await _bench.UpdateAsync(_network, n => n with { Dns = n.Dns! with { Servers = ["10.147.20.2"] } });
        _bench.Port.Sent.Clear();
        await MakeAsync(Server, null, "10.147.20.1");
        Assert.Equal(
            ["10.147.20.1", _network.GetRfc4193Address(Server.Address).ToString(), "10.147.20.2"],
            _bench.Port.Pushes.Last(p => p.Member == Orders.Address).Configuration.Dns!.Servers.Select(s => s.ToString()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("no host")]
    [InlineData("a..b")]
    public async Task Names_need_a_domain(string? domain)
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            _bench.UpdateAsync(_network, n => n with { Dns = domain is null ? null : new NetworkDnsSettings(domain, ["10.147.20.2"]) }));
        Assert.Contains("home.arpa", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_comes_is_answered_within_bounds_or_not_at_all()
    {
        var random = new Random(20);
        byte[][] seeds =
        [
            DnsMessage.Query("orders.home.arpa", DnsMessage.Any, size: 4096), DnsMessage.Query("99.20.147.10.in-addr.arpa", DnsMessage.Ptr),
            DnsMessage.Query("nobody.home.arpa", DnsMessage.Aaaa), DnsMessage.Query("home.arpa", DnsMessage.Any, size: 512),
            DnsMessage.Query(new string('a', 63) + ".home.arpa", DnsMessage.A),
            DnsMessage.Query(Reverse(IPAddress.Parse("fd00::1")), DnsMessage.Ptr),
        ];
        int answered = 0;
        for (int i = 0; i < 200_000; i++)
        {
            byte[] message = Mutate(random, seeds[random.Next(seeds.Length)]);
            bool isDatagram = random.Next(2) == 0;
            int length = Responder.Answer(message, isDatagram, _buffer);
            Assert.InRange(length, 0, isDatagram ? DnsQuery.MaxDatagram : NameResponder.MaxAnswer);
            if (length > 0)
            {
                answered++;
                Assert.True(length >= 12 && (_buffer[2] & 0x80) != 0 && message[0] == _buffer[0] && message[1] == _buffer[1]);
            }
        }

        Assert.InRange(answered, 50_000, 199_000);
    }

    private static byte[] Mutate(Random random, byte[] seed)
    {
        var bytes = seed.ToList();
        for (int times = random.Next(4); times > 0; times--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, bytes.Count - at);
                    bytes.AddRange(new byte[random.Next(1, 30)]);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.Slice(0, random.Next(bytes.Count)));
                    break;
                default:
                    bytes[at] = 0xc0;
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[] With(byte[] bytes, int at, byte value)
    {
        byte[] copy = [.. bytes];
        copy[at] = value;
        return copy;
    }

    private static string Reverse(IPAddress address) =>
        string.Join('.', Convert.ToHexStringLower(address.GetAddressBytes()).Reverse()) + ".ip6.arpa";

    private byte[] Respond(byte[] query, bool isDatagram = true) =>
        _buffer.AsSpan(0, Responder.Answer(query, isDatagram, _buffer)).ToArray();

    private DnsMessage Ask(string name, int type) => DnsMessage.Read(Respond(DnsMessage.Query(name, type)));

    private Task<ControllerMember> MakeAsync(NodeIdentity node, string? name, string address) =>
        _bench.UpdateAsync(_network, node, m => m with { Name = name, IsAuthorized = true, Addresses = [IPAddress.Parse(address)] });
}
