using System.Net;

namespace ZeroTier;

/// <summary>The state of a joined network, with libzt's own numbers (chapter 4, section 5).</summary>
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
/// <param name="Id">The network's ID.</param>
/// <param name="Status">Its state.</param>
public sealed record ZeroTierNetwork(NetworkId Id, ZeroTierNetworkStatus Status)
{
    /// <summary>The name that the controller gave it; untrusted text.</summary>
    public string Name { get; init; } = "";

    /// <summary>This node's addresses there, with their prefix lengths.</summary>
    public IReadOnlyList<IPNetworkAddress> Addresses { get; init; } = [];

    /// <summary>The virtual Ethernet MTU in bytes, 1280 to 10000.</summary>
    public int Mtu { get; init; }

    /// <summary>This node's Ethernet address there, as <c>02:1d:48:28:a0:ae</c>.</summary>
    public string Mac { get; init; } = "";

    /// <summary>True when everybody may join.</summary>
    public bool IsPublic { get; init; }

    /// <summary>Why the network is not usable and what to do about it; null when it is.</summary>
    public string? Detail { get; init; }

    /// <summary>True when the network can carry traffic: configured, with an address.</summary>
    public bool IsReady => Status == ZeroTierNetworkStatus.Ok && Addresses.Count > 0;
}

/// <summary>An address of this node and the length of the prefix that is on the same link.</summary>
/// <param name="Address">IPv4 or IPv6.</param>
/// <param name="PrefixLength">0 to 32, or 0 to 128.</param>
public readonly record struct IPNetworkAddress(IPAddress Address, int PrefixLength)
{
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
