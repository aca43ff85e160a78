using System.Net;
using ZeroTier;
using ZeroTier.Controller;

namespace SelfHosted;

/// <summary>The network on which this program serves its API.</summary>
internal static class FirstNetwork
{
    public static readonly IPAddress ApiAddress = IPAddress.Parse("10.147.17.1");

    /// <summary>The DNS domain of the members' names. RFC 8375 reserves it for home networks.</summary>
    public const string Domain = "home.arpa";

    /// <summary>The API's host name in the domain.</summary>
    public const string ApiName = "api";

    private static readonly Actor Program = new("self-hosted");

    /// <summary>Creates the network, and this node as its first member, if missing.</summary>
    public static async Task CreateAsync(NetworkController controller, NetworkId id, NodeId self)
    {
        if (controller.FindNetwork(id) is null)
        {
            var network = new ControllerNetwork
            {
                Id = id,
                Name = "self-hosted",
                AssignsIPv4 = true,
                Routes = [new NetworkRoute(IPAddress.Parse("10.147.17.0"), 24, null)],
                Dns = new NetworkDnsSettings(Domain, []),
                ServesNames = true,
                AddressPools = [new AddressPool(IPAddress.Parse("10.147.17.2"), IPAddress.Parse("10.147.17.254"))],
            };
            await controller.CreateNetworkAsync(network, Program);
        }

        if (controller.FindMember(id, self) is null)
        {
            await controller.UpdateMemberAsync(
                id, self, member => member with { Name = ApiName, IsAuthorized = true, Addresses = [ApiAddress] }, null, Program);
        }
    }
}
