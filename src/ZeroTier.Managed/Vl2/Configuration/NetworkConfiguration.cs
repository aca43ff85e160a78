using System.Collections.Immutable;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// The configuration of a network for one member (docs/protocol/3-vl2.md 3.4.1). Immutable; a change replaces it whole.
/// </summary>
internal sealed record NetworkConfiguration
{
    /// <summary>
    /// Prefix length of the 6PLANE addresses of one network; each member owns a /80 inside (docs/protocol/3-vl2.md 3.1.3).
    /// </summary>
    public const int SixPlanePrefixLength = 40;

    /// <summary>Prefix length of the RFC 4193 addresses of one network.</summary>
    public const int Rfc4193PrefixLength = 88;

    public required NetworkId Id { get; init; }

    /// <summary>The dictionary from which it was read, to be stored; empty for a network without a controller.</summary>
    public ReadOnlyMemory<byte> Text { get; init; }

    /// <summary>The network's name, given by the controller; untrusted text.</summary>
    public string Name { get; init; } = "";

    /// <summary>
    /// Every node that joins may exchange frames; otherwise only members whose certificate of membership agrees with ours.
    /// </summary>
    public bool IsPublic { get; init; }

    public ulong Revision { get; init; }

    /// <summary>When it was issued, by the controller's clock in milliseconds; never compared with our own clock.</summary>
    public ulong Timestamp { get; init; }

    /// <summary>
    /// By how many milliseconds the time stamps of other members' tags, capabilities and certificates of ownership may differ from ours.
    /// </summary>
    public ulong CredentialMaxDelta { get; init; }

    /// <summary>The largest Ethernet payload, 1280 to 10000 bytes.</summary>
    public int Mtu { get; init; } = 2800;

    /// <summary>Most members to which a multicast frame is sent; 0 when there is neither multicast nor broadcast.</summary>
    public int MulticastLimit { get; init; }

    public NetworkFlags Flags { get; init; }

    public ImmutableArray<IpInterfaceAddress> Addresses { get; init; } = [];

    public ImmutableArray<IpRoute> Routes { get; init; } = [];

    /// <summary>Addresses that were assigned and not accepted (<see cref="AssignmentPolicy"/>).</summary>
    public ImmutableArray<IpInterfaceAddress> RefusedAddresses { get; init; } = [];

    /// <summary>The network's rules as a frame filter.</summary>
    public required IFrameFilter Filter { get; init; }

    /// <summary>Our certificate of membership, with which those of others must agree. Null on networks without certificates.</summary>
    public MembershipCertificate? Membership { get; init; }

    public ImmutableArray<Capability> Capabilities { get; init; } = [];

    public ImmutableArray<Tag> Tags { get; init; } = [];

    public ImmutableArray<OwnershipCertificate> Ownership { get; init; } = [];

    /// <summary>Our capabilities, tags and certificates of ownership as rules see them.</summary>
    public IMemberCredentials Own { get; init; } = NoCredentials.Instance;

    /// <summary>NETWORK_CREDENTIALS payload with all our credentials, to be sent to other members; empty when there are none.</summary>
    public ReadOnlyMemory<byte> ShownCredentials { get; init; }

    public ImmutableArray<Specialist> Specialists
    {
        get;
        init
        {
            field = value;
            ActiveBridges = [.. value.Where(s => s.Roles.HasFlag(SpecialistRoles.ActiveBridge)).Select(s => s.Node)];
        }
    } = [];

    /// <summary>DNS settings; null when the network has none.</summary>
    public NetworkDns? Dns { get; init; }

    /// <summary>The members that are active bridges: they forward frames of Ethernet addresses behind them.</summary>
    public ImmutableArray<NodeId> ActiveBridges { get; private init; } = [];

    /// <summary>Whether an address is inside the prefix of one of our addresses.</summary>
    public bool HasPrefixOf(in IpAddress address)
    {
        foreach (ref readonly var own in Addresses.AsSpan())
        {
            if (address.IsInPrefix(own.Address, own.PrefixLength))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A member's roles.</summary>
    public SpecialistRoles RolesOf(NodeId member)
    {
        foreach (Specialist specialist in Specialists)
        {
            if (specialist.Node == member)
            {
                return specialist.Roles;
            }
        }

        return SpecialistRoles.None;
    }
}

/// <summary>Flags of a network, with their values on the wire (3.4.1).</summary>
[Flags]
internal enum NetworkFlags
{
    None = 0,

    /// <summary>Broadcast frames other than ARP are allowed.</summary>
    Broadcast = 0x02,

    /// <summary>Neighbour solicitations for derived IPv6 addresses are answered by the sender's own node.</summary>
    NdpEmulation = 0x04,

    /// <summary>Rules of an unknown type match.</summary>
    UnknownRulesMatch = 0x08,

    /// <summary>Multicast frames are not compressed.</summary>
    UncompressedMulticast = 0x10,
}

/// <summary>A member with a role (3.4.2).</summary>
internal readonly record struct Specialist(NodeId Node, SpecialistRoles Roles);

/// <summary>The roles of specialists.</summary>
[Flags]
internal enum SpecialistRoles
{
    None = 0,

    /// <summary>May send and receive frames of Ethernet addresses other than its own.</summary>
    ActiveBridge = 1,

    /// <summary>Receives all multicast subscriptions.</summary>
    Anchor = 2,

    /// <summary>Forwards multicast frames to all other members.</summary>
    MulticastReplicator = 4,
}

/// <summary>The DNS settings of a network.</summary>
/// <param name="Domain">The search domain; untrusted text.</param>
/// <param name="Servers">The addresses of name servers, at most four.</param>
internal sealed record NetworkDns(string Domain, ImmutableArray<IpAddress> Servers);
