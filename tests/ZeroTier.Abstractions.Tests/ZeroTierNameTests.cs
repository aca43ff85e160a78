namespace ZeroTier.Tests;

public class ZeroTierNameTests
{
    [Theory]
    [InlineData("89e92ceee5.8056c2e21c000001.zt")]
    [InlineData("89E92CEEE5.8056C2E21C000001.ZT")]
    [InlineData("89e92ceee5.8056c2e21c000001.zt.")]
    public void Try_parse_member_a_name_in_either_case_is_the_member_and_its_network(string host)
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
    public void Try_parse_member_anything_else_is_no_member(string host) => Assert.False(ZeroTierName.TryParseMember(host, out _, out _));
}
