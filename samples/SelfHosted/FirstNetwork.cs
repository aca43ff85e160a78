using System.Net;
using ZeroTier;
using ZeroTier.Controller;

namespace SelfHosted;

/// <summary>The network that this program serves its API on.</summary>
internal static class FirstNetwork
{
    public static readonly IPAddress ApiAddress = IPAddress.Parse("10.147.17.1");

    /// <summary>Of names for members (RFC 8375 sets it aside for networks of one's own).</summary>
    public const string Domain = "home.arpa";

    /// <summary>The API's name there.</summary>
    public const string ApiName = "api";

    private static readonly Actor Program = new("self-hosted");

    /// <summary>Makes the network, and this node its first member, where they are missing.</summary>
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
