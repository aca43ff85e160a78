using System.Net;
using System.Net.Sockets;
using ZeroTier.Controller.Configuration;
using ZeroTier.Managed.Net;
using ZeroTier.Names;

namespace ZeroTier.Controller;

/// <summary>Validates records: refuses those that cannot be encoded for members, or would be misinterpreted.</summary>
internal static class RecordCheck
{
    private const int MaxTextLength = 65_536;
    private const int MaxShortLength = 1024;

    // The part of the domain that members get (docs/protocol/3-vl2.md 3.4).
    private const int MaxDomainLength = 127;

    public static void Check(ControllerNetwork network)
    {
        CheckText(network.Name, nameof(network.Name));
        CheckText(network.ClientId, nameof(network.ClientId), MaxShortLength);
        CheckText(network.RemoteTraceTarget ?? "", nameof(network.RemoteTraceTarget), MaxShortLength);
        CheckText(network.Dns?.Domain ?? "", "The domain of Dns", MaxShortLength);
        Require(
            network.Dns is null
            || (network.Dns.Servers.Length <= ControllerNetwork.MaxEntries && network.Dns.Servers.All(s => s.Length <= MaxShortLength)),
            $"Dns has at most {ControllerNetwork.MaxEntries} servers, of {MaxShortLength} characters each.");
        Require(
            !network.ServesNames || DnsName.Normalize(network.Dns?.Domain ?? "") is { Length: <= MaxDomainLength },
            $"ServesNames needs the domain of Dns to be a host name of at most {MaxDomainLength} characters, and it is "
            + $"'{network.Dns?.Domain}'. Set it, for example to home.arpa.");
        int loginLength = LoginDetails.Write(network).Length;
        Require(
            loginLength <= LoginDetails.MaxLength,
            $"AuthorizationEndpoint takes {loginLength} bytes as it is sent; members take {LoginDetails.MaxLength}. Use a shorter URL.");
        CheckText(network.RulesSource, nameof(network.RulesSource), ControllerNetwork.MaxEntries * 64);
        Require(network.Mtu is >= ControllerNetwork.MinMtu and <= ControllerNetwork.MaxMtu,
            $"Mtu is {network.Mtu}; it must be from 1280 to 10000 bytes, for example 2800.");
        Require(
            network.Rules.Length <= NetworkRule.MaxPerNetwork,
            $"There are {network.Rules.Length} rules; members take {NetworkRule.MaxPerNetwork}. Join rules by 'or', or move some into "
            + "capabilities.");
        Require(
            network.Capabilities.Length <= NetworkCapability.MaxPerNetwork
            && network.Capabilities.All(c => c.Rules.Length <= NetworkRule.MaxPerCapability),
            $"Members take {NetworkCapability.MaxPerNetwork} capabilities of {NetworkRule.MaxPerCapability} rules each.");
        Require(
            network.Capabilities.DistinctBy(c => c.Id).Count() == network.Capabilities.Length,
            "Two capabilities have the same ID. Give each its own.");
        Require(
            network.Tags.Length <= NetworkTag.MaxPerNetwork,
            $"There are {network.Tags.Length} tags; members take {NetworkTag.MaxPerNetwork}.");
        Require(network.Tags.DistinctBy(t => t.Id).Count() == network.Tags.Length, "Two tags have the same ID. Give each its own.");
        Require(network.JoinTokens.Count <= ControllerNetwork.MaxEntries,
            $"There are {network.JoinTokens.Count} join tokens; at most {ControllerNetwork.MaxEntries} are kept.");
        Require(network.JoinTokens.Keys.All(t => t.Length is > 0 and <= 1000), "A join token has 1 to 1000 characters.");
        Require(
            network.Routes.Length <= ControllerNetwork.MaxEntries,
            $"There are {network.Routes.Length} routes; at most {ControllerNetwork.MaxEntries} are kept.");
        foreach (NetworkRoute route in network.Routes)
        {
            Require(
                route.PrefixLength >= 0 && route.PrefixLength <= IpAddress.From(route.Target).BitLength,
                $"Route {route.Target}/{route.PrefixLength}: the prefix length must be from 0 to "
                + $"{IpAddress.From(route.Target).BitLength}.");
            Require(
                route.Via is null || route.Via.AddressFamily == route.Target.AddressFamily,
                $"Route {route.Target}/{route.PrefixLength} via {route.Via}: the gateway must be of the target's family.");
        }

        Require(network.AddressPools.Length <= ControllerNetwork.MaxEntries,
            $"There are {network.AddressPools.Length} pools; at most {ControllerNetwork.MaxEntries} are kept.");
        foreach (AddressPool pool in network.AddressPools)
        {
            Require(
                IsIP(pool.First) && pool.First.AddressFamily == pool.Last.AddressFamily,
                $"Pool {pool.First} to {pool.Last}: both must be of one family.");
        }
    }

    public static void Check(ControllerMember member)
    {
        CheckText(member.RemoteTraceTarget ?? "", nameof(member.RemoteTraceTarget), MaxShortLength);
        CheckText(member.Name ?? "", nameof(member.Name));
        Require(
            member.Addresses.Length <= ControllerNetwork.MaxEntries && member.Tags.Count <= ControllerNetwork.MaxEntries &&
                member.Capabilities.Count <= ControllerNetwork.MaxEntries,
            $"At most {ControllerNetwork.MaxEntries} addresses, tags and capabilities are kept for a member.");
        Require(
            member.Identity is null || member.Identity.Address == member.Node,
                $"The identity is that of node {member.Identity?.Address}, not of {member.Node}.");
    }

    private static bool IsIP(IPAddress address) => address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;

    private static void CheckText(string text, string name, int max = MaxTextLength) =>
        Require(text.Length <= max, $"{name} has {text.Length} characters; at most {max} are kept.");

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message);
        }
    }
}
