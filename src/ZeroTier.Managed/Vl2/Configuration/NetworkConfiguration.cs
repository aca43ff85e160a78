using System.Collections.Immutable;
using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>
/// What a member knows about a network once it is configured (docs/protocol/3-vl2.md 3.4.1). Immutable; a change replaces it whole.
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

    /// <summary>The dictionary that it was made of, to be stored; empty for a network without a controller.</summary>
    public ReadOnlyMemory<byte> Text { get; init; }

    /// <summary>The name that the controller gave it; untrusted text.</summary>
    public string Name { get; init; } = "";

    /// <summary>Whoever joined may exchange frames; else only members with certificates that agree with ours.</summary>
    public bool IsPublic { get; init; }

    public ulong Revision { get; init; }

    /// <summary>When it was made: the clock of who made it in milliseconds, never compared with our own.</summary>
    public ulong Timestamp { get; init; }

    /// <summary>
    /// By how many milliseconds the time stamps of others' tags, capabilities and ownership certificates may differ from ours.
    /// </summary>
    public ulong CredentialMaxDelta { get; init; }

    /// <summary>The largest Ethernet payload, 1280 to 10000 bytes.</summary>
    public int Mtu { get; init; } = 2800;

    /// <summary>To how many members a multicast frame is sent; 0: there is no multicast, and no broadcast.</summary>
    public int MulticastLimit { get; init; }

    public NetworkFlags Flags { get; init; }

    public ImmutableArray<IpInterfaceAddress> Addresses { get; init; } = [];

    public ImmutableArray<IpRoute> Routes { get; init; } = [];

    /// <summary>Addresses that were assigned and are not taken (<see cref="AssignmentPolicy"/>).</summary>
    public ImmutableArray<IpInterfaceAddress> RefusedAddresses { get; init; } = [];

    /// <summary>The rules, ready to be applied.</summary>
    public required IFrameFilter Filter { get; init; }

    /// <summary>Our certificate of membership: the measure for those of others. Null on networks without.</summary>
    public MembershipCertificate? Membership { get; init; }

    public ImmutableArray<Capability> Capabilities { get; init; } = [];

    public ImmutableArray<Tag> Tags { get; init; } = [];

    public ImmutableArray<OwnershipCertificate> Ownership { get; init; } = [];

    /// <summary>Our capabilities, tags and certificates of ownership as rules see them.</summary>
    public IMemberCredentials Own { get; init; } = NoCredentials.Instance;

    /// <summary>NETWORK_CREDENTIALS with all of ours, as other members are shown them; empty where there are none.</summary>
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

    /// <summary>Null when the network names no servers.</summary>
    public NetworkDns? Dns { get; init; }

    /// <summary>The members that carry frames of foreign Ethernet addresses.</summary>
    public ImmutableArray<NodeId> ActiveBridges { get; private init; } = [];

    /// <summary>Whether an address is inside the prefix of one of ours.</summary>
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

/// <summary>Switches of a network, with the numbers of the wire (3.4.1).</summary>
[Flags]
internal enum NetworkFlags
{
    None = 0,

    /// <summary>Frames to ff:ff:ff:ff:ff:ff other than ARP are carried.</summary>
    Broadcast = 0x02,

    /// <summary>Solicitations for derived IPv6 addresses are answered on the sender's side.</summary>
    NdpEmulation = 0x04,

    /// <summary>A rule of an unknown kind matches.</summary>
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

    /// <summary>Sends and receives frames of foreign Ethernet addresses.</summary>
    ActiveBridge = 1,

    /// <summary>Is told all subscriptions.</summary>
    Anchor = 2,

    /// <summary>Sends multicast frames on to all others.</summary>
    MulticastReplicator = 4,
}

/// <summary>The name servers that a network suggests.</summary>
/// <param name="Domain">The search domain; untrusted text.</param>
/// <param name="Servers">At most four.</param>
internal sealed record NetworkDns(string Domain, ImmutableArray<IpAddress> Servers);
