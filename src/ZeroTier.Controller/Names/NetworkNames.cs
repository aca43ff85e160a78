using System.Net;
using ZeroTier.Controller.Configuration;
using ZeroTier.Controller.Members;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2;
using ZeroTier.Names;
using NetworkState = ZeroTier.Controller.Members.NetworkState;

namespace ZeroTier.Controller.Names;

/// <summary>Resolves the names of a network's members in its domain, from the current records. Thread-safe.</summary>
internal sealed class NetworkNames(NetworkState network)
{
    private readonly MemberAddressing _derived = new(network.Id);

    /// <summary>The domain, normalized; null when the network has none, or it is not a host name.</summary>
    public string? Domain => DnsName.Normalize(network.Record.Dns?.Domain ?? "");

    /// <summary>The node of the name server, which is the controller.</summary>
    public NodeId Server => network.Id.Controller ?? throw new InvalidOperationException("An ad-hoc network has no controller.");

    /// <summary>Whether a node is an authorised member.</summary>
    public bool IsMember(NodeId node) => network.Members.GetValueOrDefault(node) is { Record.IsAuthorized: true };

    /// <summary>Finds the member with a label, which is its name or its node ID; null for none.</summary>
    public NodeId? Find(string label) => NodeId.TryParse(label, out NodeId node)
        ? IsMember(node) ? node : null
        : network.Labels.HolderOf(label);

    /// <summary>The label of a member: its name if it holds that, else its node ID.</summary>
    public string LabelOf(NodeId member) =>
        MemberLabel.Of(network.Members.GetValueOrDefault(member)?.Record.Name) is { } label && network.Labels.HolderOf(label) == member
            ? label
            : member.ToString();

    /// <summary>The addresses of a member; none when it is not authorised.</summary>
    public IReadOnlyList<IpAddress> AddressesOf(NodeId member)
    {
        if (network.Members.GetValueOrDefault(member)?.Record is not { IsAuthorized: true } record)
        {
            return [];
        }

        AddressState state = default;
        return [.. ConfigurationWriter.AddressesOf(network.Record, record, network.Addresses, ref state).Select(a => a.Address).Distinct()];
    }

    /// <summary>Finds the member with an address; null for none.</summary>
    public NodeId? Find(in IpAddress address)
    {
        NodeId? candidate = network.Addresses.HolderOf(address) ??
            (_derived.TryGetRfc4193Node(address, out NodeId node) || _derived.TryGetSixPlaneNode(address, out node) ? node : null);
        return candidate is { } member && AddressesOf(member).Contains(address) ? member : null;
    }

    /// <summary>The prefixes on the network itself, for whose addresses it answers reverse lookups.</summary>
    public IEnumerable<(IpAddress Prefix, int Length)> Prefixes()
    {
        ControllerNetwork record = network.Record;
        foreach (NetworkRoute route in record.Routes)
        {
            if (route.Via is null && route.PrefixLength > 0)
            {
                yield return (IpAddress.From(route.Target), route.PrefixLength);
            }
        }

        if (record.IPv6Assignment.HasFlag(IPv6Assignment.Rfc4193))
        {
            yield return (_derived.Rfc4193Prefix, MemberAddressing.Rfc4193PrefixLength);
        }

        if (record.IPv6Assignment.HasFlag(IPv6Assignment.SixPlane))
        {
            yield return (_derived.SixPlanePrefix, MemberAddressing.SixPlanePrefixLength);
        }
    }
}
