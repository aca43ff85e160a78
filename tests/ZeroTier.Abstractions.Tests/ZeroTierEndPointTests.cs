using System.Net;
using System.Net.Sockets;

namespace ZeroTier.Tests;

public class ZeroTierEndPointTests
{
    private static readonly NetworkId Network = NetworkId.Parse("8056c2e21c000001");

    [Theory]
    [InlineData(null, "8056c2e21c000001.zt:8080")]
    [InlineData("10.147.17.5", "10.147.17.5:8080")]
    [InlineData("fc00:0:ff63:cc74:5077::1", "[fc00:0:ff63:cc74:5077::1]:8080")]
    public void Rule_4_2_ToString_EveryForm_IsAUrlAuthority(string? address, string expected)
    {
        var endPoint = new ZeroTierEndPoint(Network, address is null ? null : IPAddress.Parse(address), 8080);

        Assert.Equal(expected, endPoint.ToString());
        Assert.Equal(8080, new Uri($"http://{endPoint}").Port);
        Assert.Equal(expected, new Uri($"http://{endPoint}").Authority);
    }

    [Fact]
    public void Rule_4_2_AddressFamily_EveryForm_DoesNotThrow()
    {
        Assert.Equal(AddressFamily.Unspecified, new ZeroTierEndPoint(Network, 1).AddressFamily);
        Assert.Equal(AddressFamily.InterNetwork, new ZeroTierEndPoint(Network, IPAddress.Loopback, 1).AddressFamily);
        Assert.Equal(AddressFamily.InterNetworkV6, new ZeroTierEndPoint(Network, IPAddress.IPv6Loopback, 1).AddressFamily);
    }

    [Fact]
    public void Rule_4_1_Type_IsNotAnIPEndPoint_SoThatOtherTransportsLeaveItAlone() =>
        Assert.False(typeof(IPEndPoint).IsAssignableFrom(typeof(ZeroTierEndPoint)));

    [Fact]
    public void Equals_same_parts_is_true_and_hashes_agree()
    {
        var one = new ZeroTierEndPoint(Network, IPAddress.Parse("10.0.0.1"), 80);
        var same = new ZeroTierEndPoint(Network, IPAddress.Parse("10.0.0.1"), 80);

        Assert.Equal(one, same);
        Assert.Equal(one.GetHashCode(), same.GetHashCode());
        Assert.NotEqual(one, new ZeroTierEndPoint(Network, IPAddress.Parse("10.0.0.1"), 81));
        Assert.NotEqual(one, new ZeroTierEndPoint(Network, 80));
        Assert.NotEqual(one, new ZeroTierEndPoint(new NetworkId(1), IPAddress.Parse("10.0.0.1"), 80));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(65536)]
    public void Constructor_port_out_of_range_throws(int port) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ZeroTierEndPoint(Network, port));
}
