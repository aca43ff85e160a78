using System.Net.Sockets;
using ZeroTier.Managed.IpStack;
using ZeroTier.Simulation;
using Stack = ZeroTier.Managed.IpStack.IpStack;

namespace ZeroTier.Managed.Tests.IpStack;

/// <summary>Multicast groups that sockets join.</summary>
public sealed class HostGroupTests : IDisposable
{
    private const ushort Port = 5353;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private readonly VirtualClock _clock = new();
    private readonly FrameWire _wire;
    private readonly Stack _a;
    private readonly Stack _b;

    public HostGroupTests()
    {
        _wire = new FrameWire(_clock);
        _a = _wire.Attach(1);
        _b = _wire.Attach(2);
    }

    public static TheoryData<string> MdnsGroups => ["224.0.0.251", "ff02::fb"];

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    [Theory]
    [MemberData(nameof(MdnsGroups))]
    public void Group_reaches_only_sockets_that_joined_it(string text)
    {
        var group = Parse(text);
        using var sender = _a.BindUdp(null, 0);
        using var joined = _b.BindUdp(null, Port);
        using var otherPort = _b.BindUdp(null, Port + 1);
        Assert.Null(Send(sender, joined, group));

        joined.Join(group);
        otherPort.Join(group);
        Assert.Equal(7, Send(sender, joined, group));
        Assert.Null(Receive(otherPort));

        joined.Leave(group);
        Assert.Null(Send(sender, joined, group));
    }

    [Theory]
    [MemberData(nameof(MdnsGroups))]
    public void Group_reaches_every_socket_that_joined_it_also_those_bound_to_one_address(string text)
    {
        var group = Parse(text);
        using var sender = _a.BindUdp(null, 0);
        using var first = _b.BindUdp(FrameWire.V4(2), Port);
        using var second = _b.BindUdp(FrameWire.V6(2), Port);
        first.Join(group);
        second.Join(group);

        Assert.Equal(7, Send(sender, first, group));
        Assert.Equal(7, Receive(second));
    }

    [Theory]
    [MemberData(nameof(MdnsGroups))]
    public void Own_datagrams_reach_the_sockets_of_the_sending_node_that_joined(string text)
    {
        var group = Parse(text);
        using var sender = _a.BindUdp(null, Port);
        Assert.Null(Send(sender, sender, group));

        sender.Join(group);
        Assert.Equal(7, Send(sender, sender, group));
        Assert.Null(Receive(sender));
    }

    [Theory]
    [InlineData("224.0.0.251", 8)]
    [InlineData("ff02::fb", 7)]
    public void Datagrams_to_a_group_stay_on_the_link(string group, int hopLimitAt)
    {
        using var sender = _a.BindUdp(null, 0);
        sender.SendTo([7], Parse(group), Port);

        var frame = Assert.Single(_wire.Frames);
        Assert.Equal(MulticastMapping.ToEthernet(Parse(group)), frame.Destination);
        Assert.Equal(1, frame.Payload[hopLimitAt]);
    }

    [Fact]
    public void Long_datagram_to_a_group_arrives_in_fragments()
    {
        var group = Parse("224.0.0.251");
        using var sender = _a.BindUdp(null, 0);
        using var joined = _b.BindUdp(null, Port);
        joined.Join(group);
        byte[] data = new byte[9000];
        new Random(1).NextBytes(data);
        byte[] buffer = new byte[10_000];
        sender.SendTo(data, group, Port);

        var received = _clock.Run(() => joined.ReceiveAsync(buffer).AsTask(), Limit);
        Assert.Equal(data, buffer[..received.Length]);
    }

    [Fact]
    public void Link_hears_of_a_group_once_and_when_the_last_socket_leaves_or_closes()
    {
        var link = new RecordingLink();
        using var stack = link.Stack(FrameWire.Mac(3), _clock);
        var first = stack.BindUdp(null, 0);
        using var second = stack.BindUdp(null, 0);
        first.Join(Parse("224.0.0.251"));
        first.Join(Parse("224.0.0.251"));
        second.Join(Parse("224.0.0.251"));
        second.Join(Parse("ff02::fb"));
        Assert.Equal([new MacAddress(0x0100_5e00_00fb), new MacAddress(0x3333_0000_00fb)], link.Groups);

        second.Leave(Parse("224.0.0.251"));
        second.Leave(Parse("224.0.0.251"));
        Assert.Equal(2, link.Groups.Count);
        first.Dispose();
        Assert.Equal([new MacAddress(0x3333_0000_00fb)], link.Groups);
        Assert.Throws<SocketException>(() => first.Join(Parse("224.0.0.251")));
        stack.Dispose();
        Assert.Empty(link.Groups);
    }

    [Fact]
    public void Number_of_groups_is_bounded()
    {
        var link = new RecordingLink();
        using var stack = link.Stack(FrameWire.Mac(3), _clock);
        using var socket = stack.BindUdp(null, 0);
        for (uint i = 0; i < HostGroups.MaxGroups; i++)
        {
            socket.Join(IpAddress.FromIPv4(0xe100_0000 + i));
        }

        var error = Assert.Throws<SocketException>(() => socket.Join(Parse("ff02::fb")));
        Assert.Equal(SocketError.NoBufferSpaceAvailable, error.SocketErrorCode);
        socket.Join(IpAddress.FromIPv4(0xe100_0000));
        socket.Leave(IpAddress.FromIPv4(0xe100_0000));
        socket.Join(Parse("ff02::fb"));
    }

    private static IpAddress Parse(string text) => IpAddress.From(System.Net.IPAddress.Parse(text));

    /// <summary>Sends the byte 7 to a group; what the socket gets of it, null for nothing.</summary>
    private int? Send(UdpSocket from, UdpSocket to, in IpAddress group)
    {
        from.SendTo([7], group, Port);
        return Receive(to);
    }

    private int? Receive(UdpSocket socket)
    {
        byte[] buffer = new byte[1];
        var stop = new CancellationTokenSource();
        _clock.Schedule(TimeSpan.FromMilliseconds(10), stop.Cancel);
        try
        {
            _clock.Run(() => socket.ReceiveAsync(buffer, stop.Token).AsTask(), Limit);
            return buffer[0];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
