using Kestrel.Transport.ZeroTier.Access;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

public class AccessListTests
{
    private static readonly NodeId Named = NodeId.Parse("8056c2e21c");
    private static readonly NodeId Other = NodeId.Parse("89e92ceee5");
    private static readonly NetworkId Network = NetworkId.Parse("8056c2e21c000001");

    [Fact]
    public void A_list_that_is_gone_from_the_configuration_stays_in_force()
    {
        var list = new AccessList();
        list.Replace([Named], [Network]);

        Assert.False(list.Follow([], [Network]));
        Assert.Equal(AccessVerdict.OtherNode, list.Judge(Other, Network));
        Assert.False(list.Follow([Named], []));
        Assert.Equal(AccessVerdict.OtherNetwork, list.Judge(Named, NetworkId.Parse("8056c2e21c000002")));
    }

    [Fact]
    public void A_connection_over_an_ordinary_socket_is_on_no_list_and_is_told_from_an_unproven_node()
    {
        var list = new AccessList();
        Assert.Equal(AccessVerdict.Allowed, list.Judge(null, null));
        list.Replace([], [Network]);
        Assert.Equal(AccessVerdict.OrdinarySocket, list.Judge(null, null));
        list.Replace([Named], []);
        Assert.Equal(AccessVerdict.OrdinarySocket, list.Judge(null, null));
        Assert.Equal(AccessVerdict.Unproven, list.Judge(null, Network));
    }

    [Fact]
    public void A_list_that_changes_or_appears_is_followed()
    {
        var list = new AccessList();
        Assert.True(list.Follow([], []));
        Assert.Equal(AccessVerdict.Allowed, list.Judge(Other, Network));
        Assert.True(list.Follow([Named], []));
        Assert.Equal(AccessVerdict.OtherNode, list.Judge(Other, Network));
        Assert.True(list.Follow([Other], []));
        Assert.Equal(AccessVerdict.Allowed, list.Judge(Other, Network));
    }
}
