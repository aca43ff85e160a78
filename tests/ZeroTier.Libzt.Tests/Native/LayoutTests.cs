using System.Runtime.CompilerServices;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Tests.Native;

/// <summary>Sizes and offsets of docs/protocol/4-libzt-api.md 6, as the library was measured to have them on 64-bit platforms.</summary>
public sealed unsafe class LayoutTests
{
    [Fact]
    public void Socket_address_has_the_fields_of_zts_sockaddr_storage()
    {
        var six = ZtsAddress.From(System.Net.IPAddress.Parse("fc01:203:405:607:809:a0b:c0d:e0f"), 0x1234);
        byte[] bytes = Bytes(six);
        Assert.Equal("1C0A123400000000FC010203040506070809" + "0A0B0C0D0E0F" + "00000000", Convert.ToHexString(bytes));

        var four = ZtsAddress.From(System.Net.IPAddress.Parse("10.1.2.3"), 0xabcd);
        Assert.Equal("1002ABCD0A010203" + new string('0', 40), Convert.ToHexString(Bytes(four)));
        Assert.Equal(16u, four.Length);
        Assert.Equal(28u, six.Length);
    }

    [Fact]
    public void Poll_descriptor_has_the_layout_of_zts_pollfd()
    {
        PollDescriptor value = default;
        Assert.Equal(8, sizeof(PollDescriptor));
        Assert.Equal(0, Offset(ref value, ref value.Descriptor));
        Assert.Equal(4, Offset(ref value, ref value.Events));
        Assert.Equal(6, Offset(ref value, ref value.Returned));
        Assert.Equal(2, sizeof(PollEvents));
    }

    [Fact]
    public void Linger_has_the_layout_of_zts_linger()
    {
        Linger value = default;
        Assert.Equal(8, sizeof(Linger));
        Assert.Equal(0, Offset(ref value, ref value.IsOn));
        Assert.Equal(4, Offset(ref value, ref value.Seconds));
    }

    [Fact]
    public void Event_message_has_the_layout_of_zts_event_msg()
    {
        EventMessage value = default;
        int pointer = sizeof(nint);
        Assert.Equal(pointer == 8 ? 72 : 36, sizeof(EventMessage));
        Assert.Equal(0, Offset(ref value, ref value.Code));
        byte* start = (byte*)&value;
        Assert.Equal(1 * pointer, (byte*)&value.Node - start);
        Assert.Equal(2 * pointer, (byte*)&value.Network - start);
        Assert.Equal(3 * pointer, (byte*)&value.Interface - start);
        Assert.Equal(4 * pointer, (byte*)&value.Route - start);
        Assert.Equal(5 * pointer, (byte*)&value.Peer - start);
        Assert.Equal(6 * pointer, (byte*)&value.Address - start);
        Assert.Equal(7 * pointer, (byte*)&value.Cache - start);
        Assert.Equal(8 * pointer, Offset(ref value, ref value.Length));
    }

    [Fact]
    public void Peer_info_begins_as_zts_peer_info_does()
    {
        PeerInfo value = default;
        Assert.Equal(0, Offset(ref value, ref value.Id));
        Assert.Equal(8, Offset(ref value, ref value.Major));
        Assert.Equal(12, Offset(ref value, ref value.Minor));
        Assert.Equal(16, Offset(ref value, ref value.Revision));
        Assert.Equal(20, Offset(ref value, ref value.Latency));
        Assert.Equal(24, Offset(ref value, ref value.Role));
    }

    [Fact]
    public void Statistics_have_the_layout_of_zts_stats_counter()
    {
        StatisticsCounters value = default;
        Assert.Equal(144, sizeof(StatisticsCounters));
        Assert.Equal(0, Offset(ref value, ref value.Link));
        Assert.Equal(16, Offset(ref value, ref value.EtherArp));
        Assert.Equal(32, Offset(ref value, ref value.IPv4));
        Assert.Equal(48, Offset(ref value, ref value.IPv6));
        Assert.Equal(64, Offset(ref value, ref value.Icmp4));
        Assert.Equal(80, Offset(ref value, ref value.Icmp6));
        Assert.Equal(96, Offset(ref value, ref value.Udp));
        Assert.Equal(112, Offset(ref value, ref value.Tcp));
        Assert.Equal(128, Offset(ref value, ref value.NeighborDiscovery));
        ProtocolCounters group = default;
        Assert.Equal(0, Offset(ref group, ref group.Sent));
        Assert.Equal(4, Offset(ref group, ref group.Received));
        Assert.Equal(8, Offset(ref group, ref group.Dropped));
        Assert.Equal(12, Offset(ref group, ref group.Errors));
    }

    private static int Offset<TStruct, TField>(ref TStruct value, ref TField field) =>
        (int)Unsafe.ByteOffset(ref Unsafe.As<TStruct, byte>(ref value), ref Unsafe.As<TField, byte>(ref field));

    private static byte[] Bytes(ZtsAddress value) => new ReadOnlySpan<byte>(&value, sizeof(ZtsAddress)).ToArray();
}
