using System.Net;

namespace ZeroTier.Managed;

/// <summary>
/// A physical network in which packets are sent without encryption and authentication (docs/protocol/2-vl1.md 2.2.1). All nodes in it must
/// be configured alike. Immutable.
/// </summary>
/// <remarks>
/// Anybody who can send in that network can impersonate any of its nodes (but no roots, nor nodes elsewhere, from which unauthenticated
/// packets are not accepted), and anybody who can listen there can read everything. Use it only for a network that is protected by other
/// means, such as the storage network of a rack, and only if the cost of encryption matters.
/// </remarks>
public sealed record TrustedPath
{
    /// <summary>Creates a trusted path.</summary>
    /// <param name="network">The physical addresses. Packets from other source addresses are never trusted, but source addresses can be
    /// forged where routers do not filter them.</param>
    /// <param name="id">The ID that all nodes in the network share; not 0. It is not a secret, as each packet contains it.</param>
    /// <exception cref="ArgumentException">The network contains all addresses, or the ID is 0.</exception>
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

    /// <summary>The ID that all nodes in the network share.</summary>
    public ulong Id { get; }
}
