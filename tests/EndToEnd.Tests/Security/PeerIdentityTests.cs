using System.Text;
using ZeroTier;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2;
using ZeroTier.Testing;

namespace EndToEnd.Tests.Security;

/// <summary>Section 18 of the transport contract, fourth point: a member that speaks with a neighbour's inner address.</summary>
public sealed class PeerIdentityTests
{
    private const string SpoofedSource = "vl2.spoofed-source";
    private const string ForeignMac = "vl2.foreign-mac";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rule_18_4_A_syn_with_a_neighbours_address_is_dropped_counted_and_never_attributed()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await SecuredApp.StartAsync(network, TestNetwork.Network, cancellationToken: Cancel);
        await using var victim = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);
        await using var hostile = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);
        var server = app.Node.Id;
        var syn = new RawSegment(1111, SecuredApp.Port, 1, 0, RawSegment.Syn, []);

        // Every kind of address that belongs to the neighbour, each in a frame of our own.
        var mac = victim.Addressing.Mac(victim.Id);
        IpAddress[] stolen =
        [
            victim.Address,
            Neighbour(victim.Address),
            victim.Addressing.Rfc4193(victim.Id),
            MemberAddressing.LinkLocal(mac),
            IpAddress.From(System.Net.IPAddress.Parse("2001:db8::1")),
        ];
        foreach (var address in stolen)
        {
            hostile.SendSegment(server, address, syn);
        }

        // And in frames with the neighbour's Ethernet address.
        byte[] packet = RawPackets.Ip(victim.Address, victim.Addressing.SixPlane(server), IpProtocol.Tcp, syn.ToBytes());
        hostile.SendExtFrame(server, mac, packet);
        hostile.SendExtFrame(server, hostile.Addressing.Mac(hostile.Id), packet);
        await app.DroppedAsync(SpoofedSource, stolen.Length + 1);
        await app.DroppedAsync(ForeignMac, 1);
        Assert.Equal(0, app.Node.GetStatistics().TcpConnections);
        Assert.Equal(0, app.Node.GetStatistics().TcpSegmentsSent);
        Assert.False(victim.Received(1111).TryRead(out _));
        Assert.Empty(app.Callers);

        // The same segment from its own address gets through, and so does the victim's.
        var own = await RawConnection.OpenAsync(hostile, server, 1111, SecuredApp.Port, ushort.MaxValue, Cancel);
        own.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Contains($"[{hostile.Id} ]", await own.ReadUntilAsync("]\r\n0\r\n\r\n", Cancel), StringComparison.Ordinal);
        var others = await RawConnection.OpenAsync(victim, server, 1111, SecuredApp.Port, ushort.MaxValue, Cancel);
        others.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Contains($"[{victim.Id} ]", await others.ReadUntilAsync("]\r\n0\r\n\r\n", Cancel), StringComparison.Ordinal);
        Assert.Equal(
            [(hostile.Id, Text(hostile.Address)), (victim.Id, Text(victim.Address))], app.Callers.Select(c => (c.Node!.Value, c.Address)));
    }

    [Fact]
    public async Task Rule_18_4_Segments_with_a_neighbours_address_do_not_get_into_its_connection()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await SecuredApp.StartAsync(network, TestNetwork.Network, cancellationToken: Cancel);
        await using var victim = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);
        await using var hostile = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);
        var server = app.Node.Id;
        var connection = await RawConnection.OpenAsync(victim, server, 2222, SecuredApp.Port, ushort.MaxValue, Cancel);
        connection.Send("GET / HTTP/1.1\r\nHost: x\r\nX-Text: ");

        // The hostile member knows every number: data, the end and a reset that fit exactly.
        hostile.SendSegment(server, victim.Address, connection.Next("evil\r\n\r\n"u8));
        hostile.SendSegment(server, victim.Address, connection.Next([], flags: RawSegment.Fin | RawSegment.Ack));
        hostile.SendSegment(server, victim.Address, connection.Next([], flags: RawSegment.Rst));
        await app.DroppedAsync(SpoofedSource, 3);

        // From its own address they belong to no connection, and it cannot draw the answers to itself either.
        hostile.SendSegment(server, hostile.Address, connection.Next("evil\r\n\r\n"u8));
        Assert.Equal(RawSegment.Rst, RawSegment.Rst & (await hostile.Received(2222).ReadAsync(Cancel)).Flags);
        hostile.SendPacket(server, RawPackets.Ip(
            hostile.Address,
            hostile.Addressing.SixPlane(server),
            IpProtocol.IcmpV6,
            RawPackets.NeighborAdvertisement(victim.Address, hostile.Addressing.Mac(hostile.Id))));

        connection.Send("good\r\n\r\n");
        Assert.Contains($"[{victim.Id} good]", await connection.ReadUntilAsync("]\r\n0\r\n\r\n", Cancel), StringComparison.Ordinal);
        Assert.Equal([(victim.Id, Text(victim.Address))], app.Callers.Select(c => (c.Node!.Value, c.Address)));
        Assert.False(hostile.Received(2222).TryRead(out _));

        // The advertisement claims the victim's address as the segments did.
        await app.DroppedAsync(SpoofedSource, 4);
    }

    [Fact]
    public async Task Rule_18_4_A_datagram_with_a_neighbours_address_is_dropped_and_counted()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await SecuredApp.StartAsync(network, TestNetwork.Network, cancellationToken: Cancel);
        await using var victim = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);
        await using var hostile = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);
        var server = app.Node.Id;
        await using var socket = await app.Node.BindDatagramAsync(new ZeroTierEndPoint(TestNetwork.Network, 53), Cancel);
        byte[] Datagram(string text) =>
            RawPackets.Ip(
                victim.Address,
                victim.Addressing.SixPlane(server),
                IpProtocol.Udp,
                RawPackets.Udp(1234, 53, Encoding.ASCII.GetBytes(text)));

        hostile.SendPacket(server, Datagram("evil"));
        await app.DroppedAsync(SpoofedSource, 1);
        victim.SendPacket(server, Datagram("good"));
        byte[] buffer = new byte[100];
        var received = await socket.ReceiveFromAsync(buffer, Cancel);
        Assert.Equal("good", Encoding.ASCII.GetString(buffer, 0, received.Length));
        Assert.Equal(victim.Id, received.RemoteNode);
        Assert.Equal(Text(victim.Address), received.RemoteEndPoint.Address.ToString());
    }

    [Fact]
    public async Task Rule_18_4_A_member_is_known_by_whatever_address_of_its_own_it_uses()
    {
        await using var network = await TestNetwork.StartAsync(cancellationToken: Cancel);
        await using var app = await SecuredApp.StartAsync(network, TestNetwork.Network, cancellationToken: Cancel);
        await using var member = await RawMember.StartAsync(network, TestNetwork.Network, Cancel);

        // A whole /80 is its own.
        var address = Neighbour(member.Address);
        member.SendSegment(app.Node.Id, address, new RawSegment(3333, SecuredApp.Port, 1000, 0, RawSegment.Syn, []));
        var answer = await member.Received(3333).ReadAsync(Cancel);
        member.SendSegment(app.Node.Id, address, new RawSegment(3333, SecuredApp.Port, 1001, answer.Sequence + 1, RawSegment.Ack, []));
        await SecuredApp.EventuallyAsync(() => !app.Callers.IsEmpty, () => "nobody called");
        Assert.Equal([(member.Id, Text(address))], app.Callers.Select(c => (c.Node!.Value, c.Address)));
    }

    private static IpAddress Neighbour(in IpAddress address) => IpAddress.FromIPv6(address.Value + 0x1234);

    private static string Text(in IpAddress address) => address.ToIPAddress().ToString();
}
