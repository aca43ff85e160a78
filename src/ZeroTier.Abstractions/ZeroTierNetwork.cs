using System.Net;

namespace ZeroTier;

/// <summary>The state of a joined network, with libzt's own numbers.</summary>
public enum ZeroTierNetworkStatus
{
    /// <summary>Joined; no configuration yet.</summary>
    RequestingConfiguration = 0,

    /// <summary>Configured and usable.</summary>
    Ok = 1,

    /// <summary>The controller has not authorised this node.</summary>
    AccessDenied = 2,

    /// <summary>No such network at its controller, or an ID that cannot exist.</summary>
    NotFound = 3,

    /// <summary>The virtual port could not be made.</summary>
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
    /// <summary>Makes a snapshot.</summary>
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

    /// <summary>This node's addresses there, with their prefix lengths.</summary>
    public IReadOnlyList<IPNetworkAddress> Addresses { get; init; } = [];

    /// <summary>
    /// Addresses that the network assigns and this node does not take, because of its <see cref="Settings"/>. Empty where the engine is not
    /// told.
    /// </summary>
    public IReadOnlyList<IPNetworkAddress> RefusedAddresses { get; init; } = [];

    /// <summary>What this node takes of that which the network assigns.</summary>
    public ZeroTierNetworkSettings Settings { get; init; } = ZeroTierNetworkSettings.Default;

    /// <summary>The controller's number of the configuration in force; 0 before the first, and where the engine is not told.</summary>
    public long Revision { get; init; }

    /// <summary>
    /// True when this node may carry frames of others into the network (an active bridge). False where the engine is not told.
    /// </summary>
    public bool IsBridge { get; init; }

    /// <summary>The virtual Ethernet MTU in bytes, 1280 to 10000.</summary>
    public int Mtu { get; init; }

    /// <summary>This node's Ethernet address there, as <c>02:1d:48:28:a0:ae</c>.</summary>
    public string Mac { get; init; } = "";

    /// <summary>True when everybody may join.</summary>
    public bool IsPublic { get; init; }

    /// <summary>True when the network carries broadcast frames other than ARP. False where the engine is not told.</summary>
    public bool AllowsBroadcast { get; init; }

    /// <summary>
    /// The routes that the network assigns and this node uses, in the network's order. The managed engine leaves out default routes and
    /// routes to public addresses, unless its <see cref="Settings"/> allow them; libzt puts no route in force and shows none.
    /// </summary>
    public IReadOnlyList<ZeroTierRoute> Routes { get; init; } = [];

    /// <summary>The name servers that the network suggests; null when it names none, or the engine is not told (libzt).</summary>
    public ZeroTierDns? Dns { get; init; }

    /// <summary>
    /// Where a person logs in to let this node in, while <see cref="Status"/> is
    /// <see cref="ZeroTierNetworkStatus.AuthenticationRequired"/>; untrusted text. Else, and where the controller or the engine names none,
    /// null.
    /// </summary>
    public string? LoginUrl { get; init; }

    /// <summary>Why the network is not usable and what to do about it; null when it is.</summary>
    public string? Detail { get; init; }

    /// <summary>True when the network can carry traffic: configured, with an address.</summary>
    public bool IsReady => Status == ZeroTierNetworkStatus.Ok && Addresses.Count > 0;
}

/// <summary>An address of this node and the length of the prefix that is on the same link.</summary>
public readonly record struct IPNetworkAddress
{
    /// <summary>Makes an address.</summary>
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

    /// <summary>True when the address is of the same family and agrees in the prefix.</summary>
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

    /// <summary>Address and prefix length, as <c>10.1.2.3/24</c>.</summary>
    public override string ToString() => $"{Address}/{PrefixLength}";
}
