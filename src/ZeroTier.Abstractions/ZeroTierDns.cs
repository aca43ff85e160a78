using System.Net;

namespace ZeroTier;

/// <summary>
/// The DNS settings of a network: its search domain and name servers. Immutable; equal when domain and servers are equal.
/// </summary>
public sealed record ZeroTierDns
{
    /// <summary>Creates a description.</summary>
    /// <param name="domain">The search domain.</param>
    /// <param name="servers">The servers, to be asked in this order.</param>
    public ZeroTierDns(string domain, IReadOnlyList<IPAddress> servers)
    {
        Domain = domain;
        Servers = servers;
    }

    /// <summary>
    /// The search domain, as <c>corp.example</c>; untrusted text. Empty when the network has none; its name servers are then not used.
    /// </summary>
    public string Domain { get; init; }

    /// <summary>The servers, to be asked in this order; at most four.</summary>
    public IReadOnlyList<IPAddress> Servers { get; init; }

    /// <inheritdoc />
    public bool Equals(ZeroTierDns? other) => other is not null && Domain == other.Domain && Servers.SequenceEqual(other.Servers);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Domain, Servers.Count > 0 ? Servers[0] : null);

    /// <summary>For people: <c>corp.example: 10.147.17.1, 10.147.17.2</c>.</summary>
    public override string ToString() => $"{(Domain.Length == 0 ? "no domain" : Domain)}: {string.Join(", ", Servers)}";
}
