using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ZeroTier;

/// <summary>A TCP or UDP port on a ZeroTier network. Immutable and thread-safe.</summary>
/// <remarks>
/// Deliberately not an <see cref="IPEndPoint"/>: the sockets transport claims every <see cref="IPEndPoint"/> and would bind it on the host
/// (docs/transport-contract.md rule 4.1).
/// </remarks>
public sealed class ZeroTierEndPoint : EndPoint, IEquatable<ZeroTierEndPoint>
{
    /// <summary>A port on all of this node's addresses on a network.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The port is outside 0 to 65535.</exception>
    public ZeroTierEndPoint(NetworkId network, int port)
        : this(network, null, port)
    {
    }

    /// <summary>A port on one address of a network; with a null address, on all of this node's addresses there.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The port is outside 0 to 65535.</exception>
    public ZeroTierEndPoint(NetworkId network, IPAddress? address, int port)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, IPEndPoint.MinPort);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        Network = network;
        Address = address;
        Port = port;
    }

    /// <summary>The network.</summary>
    public NetworkId Network { get; }

    /// <summary>The address on the network; null when listening on every address of this node.</summary>
    public IPAddress? Address { get; }

    /// <summary>The port, 0 to 65535; when listening, 0 lets the engine choose one.</summary>
    public int Port { get; }

    /// <summary>The family of <see cref="Address"/>, or <see cref="AddressFamily.Unspecified"/> without one.</summary>
    public override AddressFamily AddressFamily => Address?.AddressFamily ?? AddressFamily.Unspecified;

    /// <inheritdoc />
    public bool Equals(ZeroTierEndPoint? other) =>
        other is not null && Network == other.Network && Port == other.Port && Equals(Address, other.Address);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as ZeroTierEndPoint);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Network, Address, Port);

    /// <summary>A valid URL authority: <c>10.147.17.5:80</c>, <c>[fc..]:80</c>, or <c>NETWORK.zt:80</c> without an address.</summary>
    public override string ToString() => Address is null
        ? string.Create(CultureInfo.InvariantCulture, $"{Network}.zt:{Port}")
        : new IPEndPoint(Address, Port).ToString();
}
