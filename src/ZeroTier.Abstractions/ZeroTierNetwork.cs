using System.Net;

namespace ZeroTier;

/// <summary>
/// The state of a joined network; the values are those of libzt, except <see cref="ZeroTierNetworkStatus.NotSupported"/>.
/// </summary>
public enum ZeroTierNetworkStatus
{
    /// <summary>Joined; no configuration yet.</summary>
    RequestingConfiguration = 0,

    /// <summary>Configured and usable.</summary>
    Ok = 1,

    /// <summary>The controller has not authorised this node.</summary>
    AccessDenied = 2,

    /// <summary>The controller does not know the network, or the ID is invalid.</summary>
    NotFound = 3,

    /// <summary>The virtual network port could not be created.</summary>
    PortError = 4,

    /// <summary>The controller demands a newer node.</summary>
    ClientTooOld = 5,

    /// <summary>The controller demands a login.</summary>
    AuthenticationRequired = 6,

    /// <summary>A kind of network that this engine cannot join yet; see <see cref="ZeroTierNetwork.Detail"/>.</summary>
    NotSupported = 100,
}

/// <summary>A snapshot of one joined network. Immutable.</summary>
public sealed record ZeroTierNetwork
{
    /// <summary>Creates a snapshot.</summary>
    /// <param name="id">The network's ID.</param>
    /// <param name="status">Its state.</param>
    public ZeroTierNetwork(NetworkId id, ZeroTierNetworkStatus status)
    {
        Id = id;
        Status = status;
    }

    /// <summary>The network's ID.</summary>
    public NetworkId Id { get; init; }

    /// <summary>Its state.</summary>
    public ZeroTierNetworkStatus Status { get; init; }

    /// <summary>The name that the controller gave it; untrusted text.</summary>
    public string Name { get; init; } = "";

    /// <summary>This node's addresses on the network, with their prefix lengths.</summary>
    public IReadOnlyList<IPNetworkAddress> Addresses { get; init; } = [];

    /// <summary>
    /// Addresses that the network assigns but this node does not use, because of its <see cref="Settings"/>. Empty on engines that do not
    /// report them.
    /// </summary>
    public IReadOnlyList<IPNetworkAddress> RefusedAddresses { get; init; } = [];

    /// <summary>Which of the assigned addresses, routes and name servers this node uses.</summary>
    public ZeroTierNetworkSettings Settings { get; init; } = ZeroTierNetworkSettings.Default;

    /// <summary>
    /// The controller's revision number of the current configuration; 0 before the first, and on engines that do not report it.
    /// </summary>
    public long Revision { get; init; }

    /// <summary>
    /// True when this node is an active bridge, which may forward frames of other hosts into the network. False on engines that do not
    /// report it.
    /// </summary>
    public bool IsBridge { get; init; }

    /// <summary>The virtual Ethernet MTU in bytes, 1280 to 10000.</summary>
    public int Mtu { get; init; }

    /// <summary>This node's MAC address on the network, for example <c>02:1d:48:28:a0:ae</c>.</summary>
    public string Mac { get; init; } = "";

    /// <summary>True when the network is public: every node may join without being authorised.</summary>
    public bool IsPublic { get; init; }

    /// <summary>True when the network carries broadcast frames other than ARP. False on engines that do not report it.</summary>
    public bool AllowsBroadcast { get; init; }

    /// <summary>
    /// The routes that the network assigns and this node uses, in the network's order. The managed engine leaves out default routes and
    /// routes to public addresses, unless its <see cref="Settings"/> allow them; libzt applies no routes and reports none.
    /// </summary>
    public IReadOnlyList<ZeroTierRoute> Routes { get; init; } = [];

    /// <summary>The network's DNS settings; null when it has none, or the engine does not report them (libzt).</summary>
    public ZeroTierDns? Dns { get; init; }

    /// <summary>
    /// The URL at which a person logs in to authorise this node, while <see cref="Status"/> is
    /// <see cref="ZeroTierNetworkStatus.AuthenticationRequired"/>; untrusted text. Null otherwise, and when the controller or the engine
    /// provides none.
    /// </summary>
    public string? LoginUrl { get; init; }

    /// <summary>Why the network is not usable and what to do about it; null when it is.</summary>
    public string? Detail { get; init; }

    /// <summary>True when the network can carry traffic: configured, with an address.</summary>
    public bool IsReady => Status == ZeroTierNetworkStatus.Ok && Addresses.Count > 0;
}

/// <summary>An address of this node with the prefix length of its subnet.</summary>
public readonly record struct IPNetworkAddress
{
    /// <summary>Creates an address.</summary>
    /// <param name="address">IPv4 or IPv6.</param>
    /// <param name="prefixLength">0 to 32, or 0 to 128.</param>
    public IPNetworkAddress(IPAddress address, int prefixLength)
    {
        Address = address;
        PrefixLength = prefixLength;
    }

    /// <summary>IPv4 or IPv6.</summary>
    public IPAddress Address { get; init; }

    /// <summary>0 to 32, or 0 to 128.</summary>
    public int PrefixLength { get; init; }

    /// <summary>True when the address is of the same family and in the same subnet.</summary>
    public bool Contains(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> own = stackalloc byte[16];
        Span<byte> other = stackalloc byte[16];
        if (!Address.TryWriteBytes(own, out int length) || !address.TryWriteBytes(other, out int otherLength) || length != otherLength)
        {
            return false;
        }

        int whole = PrefixLength / 8;
        int rest = PrefixLength % 8;
        return own[..whole].SequenceEqual(other[..whole]) && (rest == 0 || (own[whole] ^ other[whole]) >> (8 - rest) == 0);
    }

    /// <summary>Address and prefix length, for example <c>10.1.2.3/24</c>.</summary>
    public override string ToString() => $"{Address}/{PrefixLength}";
}
