using ZeroTier.Controller.Names;

namespace ZeroTier.Controller.Tests.Names;

/// <summary>Names of members as labels.</summary>
public class MemberLabelTests
{
    [Theory]
    [InlineData("orders", "orders")]
    [InlineData("Orders API", "orders-api")]
    [InlineData("  db_2 (old)  ", "db-2-old")]
    [InlineData("a.b.c", "a-b-c")]
    [InlineData("xn--bro-hoa", "xn--bro-hoa")]
    [InlineData("Büro", "b-ro")]
    [InlineData("--x--", "x")]
    [InlineData("a -- b", "a--b")]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("日本", null)]
    [InlineData("89e92ceee5", null)]
    [InlineData("89E92CEEE5", null)]
    [InlineData("89e92ceee5x", "89e92ceee5x")]
    public void Names_become_labels_of_host_names(string? name, string? label) => Assert.Equal(label, MemberLabel.Of(name));

    [Fact]
    public void A_long_name_is_cut_to_what_a_label_has()
    {
        Assert.Equal(new string('a', 63), MemberLabel.Of(new string('a', 65_536)));
        Assert.Equal(new string('a', 62), MemberLabel.Of(new string('a', 62) + " b"));
    }
}
