using System.Net;

namespace ZeroTier.Managed;

/// <summary>
/// A physical network in which packets are sent without encryption and authentication (docs/protocol/2-vl1.md 2.2.1). All its nodes must be
/// configured alike. Immutable.
/// </summary>
/// <remarks>
/// Whoever can send in that network can speak as any node of it (nodes elsewhere, and roots, are not believed in the clear), and whoever
/// can listen reads everything: only for a network that is protected by other means, such as a storage network of one rack, and only where
/// the time that encryption takes counts.
/// </remarks>
public sealed record TrustedPath
{
    /// <summary>Trusts a physical network.</summary>
    /// <param name="network">Its addresses. Packets that come from elsewhere are never trusted; a sender's address can be forged where
    /// routers let that pass.</param>
    /// <param name="id">The number that all its nodes share; anything but 0. It is no secret: it is in each packet.</param>
    /// <exception cref="ArgumentException">The network is that of all addresses, or the number is 0.</exception>
    public TrustedPath(IPNetwork network, ulong id)
    {
        ArgumentOutOfRangeException.ThrowIfZero(id);
        if (network.PrefixLength == 0)
        {
            throw new ArgumentException(
                $"{network} is every address. Name the network that is protected by other means, for example 10.20.30.0/24.",
                nameof(network));
        }

        Network = network;
        Id = id;
    }

    /// <summary>The physical addresses.</summary>
    public IPNetwork Network { get; }

    /// <summary>The number that all nodes there share.</summary>
    public ulong Id { get; }
}
