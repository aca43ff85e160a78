using System.Net;

namespace ZeroTier.Controller.Tests;

/// <summary>Settings of networks with addresses.</summary>
internal static class Addressing
{
    public static Func<ControllerNetwork, ControllerNetwork> Pool(
        string first, string last, string target = "10.0.0.0", int prefixLength = 24) => network =>
        network with
        {
            AssignsIPv4 = true,
            Routes = [new NetworkRoute(IPAddress.Parse(target), prefixLength, null)],
            AddressPools = [new AddressPool(IPAddress.Parse(first), IPAddress.Parse(last))],
        };
}
