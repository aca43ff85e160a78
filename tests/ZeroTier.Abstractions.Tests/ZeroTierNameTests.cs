namespace ZeroTier.Tests;

public class ZeroTierNameTests
{
    [Theory]
    [InlineData("89e92ceee5.8056c2e21c000001.zt")]
    [InlineData("89E92CEEE5.8056C2E21C000001.ZT")]
    [InlineData("89e92ceee5.8056c2e21c000001.zt.")]
    public void TryParseMember_ANameInEitherCase_IsTheMemberAndItsNetwork(string host)
    {
        Assert.True(ZeroTierName.TryParseMember(host, out var member, out var network));
        Assert.Equal("89e92ceee5", member.ToString());
        Assert.Equal("8056c2e21c000001", network.ToString());
        Assert.Equal(host.ToLowerInvariant().TrimEnd('.'), ZeroTierName.Of(member, network));
    }

    [Theory]
    [InlineData("")]
    [InlineData("8056c2e21c000001.zt")]
    [InlineData("89e92ceee5-8056c2e21c000001.zt")]
    [InlineData("89e92ceee5.8056c2e21c000001.tz")]
    [InlineData("89e92ceee5.8056c2e21c000001zt.")]
    [InlineData("89e92ceee5.8056c2e21c000001.zt..")]
    [InlineData("89e92ceeeg.8056c2e21c000001.zt")]
    [InlineData("89e92ceee5.8056c2e21c00000g.zt")]
    public void TryParseMember_AnythingElse_IsNoMember(string host) => Assert.False(ZeroTierName.TryParseMember(host, out _, out _));
}
