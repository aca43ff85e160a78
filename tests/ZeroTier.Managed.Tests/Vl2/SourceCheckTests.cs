using System.Net;
using ZeroTier.Managed.Vl2;

namespace ZeroTier.Managed.Tests.Vl2;

public class SourceCheckTests
{
    private static readonly MemberAddressing Addressing = new(NetworkId.Parse("ff0000ffff000000"));
    private static readonly NodeId Sender = NodeId.Parse("63cc745077");

    [Theory]
    [InlineData("fc00:0:ff63:cc74:5077::1", true)]
    [InlineData("fc00:0:ff63:cc74:5077:1:2:3", true)]
    [InlineData("fdff:0:ffff:0:99:9363:cc74:5077", true)]
    [InlineData("fe80::63:ccff:fe8b:af77", true)]
    [InlineData("::", true)]
    [InlineData("fc00:0:ff02:6800:cc7f::1", false)]
    [InlineData("fdff:0:ffff:0:99:9302:6800:cc7f", false)]
    [InlineData("fe80::63:ccff:fe8b:af78", false)]
    [InlineData("fe80:1::63:ccff:fe8b:af77", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("::1", false)]
    [InlineData("ff02::1", false)]
    public void IsOwn_Source_IsTrueForTheSendersAddressesOnly(string source, bool expected)
    {
        byte[] packet = new byte[40];
        packet[0] = 0x60;
        IPAddress.Parse(source).GetAddressBytes().CopyTo(packet, 8);

        Assert.Equal(expected, SourceCheck.IsOwn(Addressing, Sender, packet));
    }
}
