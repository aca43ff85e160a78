using System.Net;
using ZeroTier.Controller.Configuration;
using ZeroTier.Controller.Members;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2;
using ZeroTier.Names;
using NetworkState = ZeroTier.Controller.Members.NetworkState;

namespace ZeroTier.Controller.Names;

/// <summary>What the names of a network mean: its members' and its domain's, as the records are at the moment. Thread-safe.</summary>
internal sealed class NetworkNames(NetworkState network)
{
    private readonly MemberAddressing _derived = new(network.Id);

    /// <summary>The domain, normalized; null where the network has none that is a host name.</summary>
    public string? Domain => DnsName.Normalize(network.Record.Dns?.Domain ?? "");

    /// <summary>The node that answers.</summary>
    public NodeId Server => network.Id.Controller ?? throw new InvalidOperationException("An ad-hoc network has no controller.");

    /// <summary>Whether a node is a member, and may ask.</summary>
    public bool IsMember(NodeId node) => network.Members.GetValueOrDefault(node) is { Record.IsAuthorized: true };

    /// <summary>The member of a label: its name, or its node's address, which every member has; null for none.</summary>
    public NodeId? Find(string label) => NodeId.TryParse(label, out NodeId node)
        ? IsMember(node) ? node : null
        : network.Labels.HolderOf(label);

    /// <summary>The label by which a member is found, the readable one first.</summary>
    public string LabelOf(NodeId member) =>
        MemberLabel.Of(network.Members.GetValueOrDefault(member)?.Record.Name) is { } label && network.Labels.HolderOf(label) == member
            ? label
            : member.ToString();

    /// <summary>The addresses that a member is sent; none where it is no member.</summary>
    public IReadOnlyList<IpAddress> AddressesOf(NodeId member)
    {
        if (network.Members.GetValueOrDefault(member)?.Record is not { IsAuthorized: true } record)
        {
            return [];
        }

        AddressState state = default;
        return [.. ConfigurationWriter.AddressesOf(network.Record, record, network.Addresses, ref state).Select(a => a.Address).Distinct()];
    }

    /// <summary>The member that has an address; null for nobody.</summary>
    public NodeId? Find(in IpAddress address)
    {
        NodeId? candidate = network.Addresses.HolderOf(address) ??
            (_derived.TryGetRfc4193Node(address, out NodeId node) || _derived.TryGetSixPlaneNode(address, out node) ? node : null);
        return candidate is { } member && AddressesOf(member).Contains(address) ? member : null;
    }

    /// <summary>The prefixes of which all addresses are this network's: those of its members.</summary>
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
