using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using EndToEnd.Tests.Security;
using ZeroTier;
using ZeroTier.Controller;
using ZeroTier.Managed;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2.Credentials;

namespace EndToEnd.Tests.PrivateNetworks;

/// <summary>Members of a private network that do what its rules and their certificates forbid.</summary>
public sealed class HostileMemberTests
{
    private const string OnlyTcp8080AndIcmp = """
        accept ethertype arp;
        drop not ethertype ipv4 and not ethertype ipv6;
        accept ipprotocol icmp4 or ipprotocol icmp6;
        accept ipprotocol tcp dport 8080;
        drop chr tcp_syn and not chr tcp_ack;
        accept ipprotocol tcp sport 8080;
        drop;
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Drop_all_but_TCP_8080_and_ICMP_holds_in_both_directions(AddressFamily family)
    {
        await using var network = await PrivateNetwork.StartAsync(
            n => n with { Rules = RuleLanguage.Compile(OnlyTcp8080AndIcmp).Program!.Rules });
        await using var app = await PrivateApp.StartAsync(network, Token);
        await network.AuthorizeAsync(app.Node.Id);
        await app.Node.WaitForNetworkAsync(network.Id, Token);
        var member = await network.StartMemberAsync();
        var server = app.AddressOf(family);
        var client = member.Networks[0].Addresses.Select(a => a.Address).First(a => a.AddressFamily == family);

        // Allowed, from either end.
        using var http = new HttpClient(new ZeroTierHttpHandler(member));
        Assert.Equal($"HTTP/1.1 {member.Id}", await http.GetStringAsync(PrivateApp.Url(server), Token));
        await member.PingAsync(network.Id, server, Token);
        await using var allowed = await member.ListenAsync(new ZeroTierEndPoint(network.Id, 8080), Token);
        await using (await app.Node.ConnectAsync(new ZeroTierEndPoint(network.Id, client, 8080), Token))
        {
            await using var accepted = await allowed.AcceptAsync(Token);
            Assert.NotNull(accepted);
        }

        // Forbidden, on the way out of either end: somebody listens at both ports.
        await using var forbidden = await member.ListenAsync(new ZeroTierEndPoint(network.Id, 8081), Token);
        await AssertUnreachableAsync(member, new ZeroTierEndPoint(network.Id, server, PrivateApp.Http2Port));
        await AssertUnreachableAsync(app.Node, new ZeroTierEndPoint(network.Id, client, 8081));
        Assert.All([member, app.Node], node => Assert.True(Dropped(node, "vl2.filtered-out") > 0));
        Assert.Equal(0, Dropped(app.Node, "vl2.filtered-in"));

        // And on the way in, of a member that obeys no rules.
        await using var hostile = await StartHostileAsync(network, app.Node.Id);
        SendSyn(hostile, app, family, PrivateApp.Http2Port);
        SendSyn(hostile, app, family, PrivateApp.Port);
        var answer = await hostile.Received(FromPort).ReadAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Equal((ushort)PrivateApp.Port, answer.FromPort);
        Assert.Equal(RawSegment.Syn | RawSegment.Ack, answer.Flags);
        Assert.Equal(1, Dropped(app.Node, "vl2.filtered-in"));
    }

    [Fact]
    public async Task A_member_that_uses_the_IPv4_address_of_another_in_packets_or_ARP_is_dropped_and_counted()
    {
        await using var network = await PrivateNetwork.StartAsync();
        await using var app = await PrivateApp.StartAsync(network, Token);
        await network.AuthorizeAsync(app.Node.Id);
        await app.Node.WaitForNetworkAsync(network.Id, Token);
        var victim = await network.StartMemberAsync();
        using var http = new HttpClient(new ZeroTierHttpHandler(victim));
        await http.GetStringAsync(app.Url(AddressFamily.InterNetwork), Token);
        var address = IpAddress.From(
            victim.Networks[0].Addresses.Select(a => a.Address).First(a => a.AddressFamily == AddressFamily.InterNetwork));
        await using var hostile = await StartHostileAsync(network, app.Node.Id);
        var server = IpAddress.From(app.AddressOf(AddressFamily.InterNetwork));

        hostile.SendFrame(app.Node.Id, EtherTypes.IPv4, RawPackets.IPv4(address, server, IpProtocol.Tcp, Syn(PrivateApp.Port).ToBytes()));
        hostile.SendFrame(
            app.Node.Id, EtherTypes.Arp, RawPackets.Arp(RawPackets.ArpReply, address, hostile.Addressing.Mac(hostile.Id), server));
        await SecuredApp.EventuallyAsync(
            () => Dropped(app.Node, "vl2.spoofed-source") == 2, () => $"{Dropped(app.Node, "vl2.spoofed-source")} dropped");

        // The victim is served, and not the other one in its place.
        Assert.Equal($"HTTP/1.1 {victim.Id}", await http.GetStringAsync(app.Url(AddressFamily.InterNetwork), Token));
        Assert.False(hostile.Received(FromPort).TryRead(out _));
    }

    private const ushort FromPort = 4000;

    // Its certificates are good, as if the controller had let it in.
    private static async Task<RawMember> StartHostileAsync(PrivateNetwork network, NodeId victim)
    {
        var identity = TestIdentities.Get(network.NewIdentity());
        var transport = UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true });
        var member = await RawMember.StartAsync(network.Id, transport, identity, network.Planet, Token);
        ulong now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        byte[] membership = MembershipCertificate.Issue(PrivateNetwork.ControllerIdentity, network.Id, now, 1_800_000, identity);
        byte[] ownership = OwnershipCertificate.Issue(
            PrivateNetwork.ControllerIdentity, network.Id, now, 1, [HostileAddress], identity.Address);
        member.SendCredentials(victim, [.. membership, 0, 0, 0, 0, 0, 0, 0, 0, 1, .. ownership]);
        return member;
    }

    private static IpAddress HostileAddress { get; } = IpAddress.From(IPAddress.Parse("10.147.20.200"));

    private static RawSegment Syn(int port) => new(FromPort, (ushort)port, 1, 0, RawSegment.Syn, []);

    private static void SendSyn(RawMember from, PrivateApp app, AddressFamily family, int port)
    {
        var server = IpAddress.From(app.AddressOf(family));
        if (family == AddressFamily.InterNetwork)
        {
            // So that the app knows where to send its answer.
            from.SendFrame(
                app.Node.Id, EtherTypes.Arp, RawPackets.Arp(RawPackets.ArpRequest, HostileAddress, from.Addressing.Mac(from.Id), server));
            from.SendFrame(app.Node.Id, EtherTypes.IPv4, RawPackets.IPv4(HostileAddress, server, IpProtocol.Tcp, Syn(port).ToBytes()));
        }
        else
        {
            from.SendFrame(
                app.Node.Id, EtherTypes.IPv6, RawPackets.Ip(from.Addressing.Rfc4193(from.Id), server, IpProtocol.Tcp, Syn(port).ToBytes()));
        }
    }

    private static async Task AssertUnreachableAsync(ZeroTierNode from, ZeroTierEndPoint to)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(3));
        await Assert.ThrowsAnyAsync<Exception>(() => from.ConnectAsync(to, limit.Token).AsTask());
    }

    private static long Dropped(ZeroTierNode node, string reason) => node.GetStatistics().Dropped.GetValueOrDefault(reason);
}
