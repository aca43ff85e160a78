using System.Net;
using System.Runtime.CompilerServices;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Tests.Native;

public sealed class ZtsAddressTests
{
    [Theory]
    [InlineData("10.147.17.5", 80)]
    [InlineData("fc5d:1234:56::1", 65535)]
    [InlineData("::1", 1)]
    [InlineData("::", 0)]
    public void From_and_back_gives_the_same_end_point(string text, int port)
    {
        var address = IPAddress.Parse(text);
        var value = ZtsAddress.From(address, port);
        Assert.Equal(address, value.ToIPAddress());
        Assert.Equal(port, value.Port);
        Assert.True(ZtsAddress.Same(value, ZtsAddress.From(address, port)));
        Assert.False(ZtsAddress.Same(value, ZtsAddress.From(address, port ^ 1)));
    }

    [Fact]
    public void ToIPAddress_of_a_mapped_address_gives_IPv4() =>
        Assert.Equal(IPAddress.Parse("10.1.2.3"), ZtsAddress.From(IPAddress.Parse("::ffff:10.1.2.3"), 80).ToIPAddress());

    [Fact]
    public void ToIPAddress_of_an_unknown_family_gives_null() => Assert.Null(default(ZtsAddress).ToIPAddress());

    [Fact]
    public void Family_in_the_first_byte_is_understood()
    {
        // docs/protocol/4-libzt-api.md 7.2: address events carry it there on Linux and Windows.
        var value = ZtsAddress.From(IPAddress.Parse("fd00::1"), 0);
        ref byte first = ref Unsafe.As<ZtsAddress, byte>(ref value);
        first = 10;
        Unsafe.Add(ref first, 1) = 0;
        Assert.Equal(IPAddress.Parse("fd00::1"), value.ToIPAddress());
    }
}
