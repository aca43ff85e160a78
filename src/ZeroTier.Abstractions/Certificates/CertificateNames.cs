using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace ZeroTier.Certificates;

/// <summary>
/// The names in a node's certificate: <c>NODE.zt</c>, <c>NODE.NETWORK.zt</c> for each joined network, and its addresses there. Browsers and
/// tools check all of them; our own clients check <c>NODE.NETWORK.zt</c> only. Compared to decide whether the current certificate must be
/// replaced.
/// </summary>
internal sealed class CertificateNames : IEquatable<CertificateNames>
{
    // Bounded, so that a controller that assigns many addresses cannot bloat every TLS handshake.
    private const int MaxAddresses = 64;

    private readonly string[] _hosts;
    private readonly IPAddress[] _addresses;

    private CertificateNames(string[] hosts, IPAddress[] addresses)
    {
        _hosts = hosts;
        _addresses = addresses;
    }

    public static CertificateNames Of(ZeroTierNode node)
    {
        var id = node.Id;
        var networks = node.Networks;
        return new CertificateNames(
            [$"{id}{ZeroTierName.Suffix}", .. networks.Select(network => ZeroTierName.Of(id, network.Id))],
            [.. networks.SelectMany(network => network.Addresses).Select(address => address.Address).Distinct().Take(MaxAddresses)]);
    }

    public X509Extension ToExtension()
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (string host in _hosts)
        {
            builder.AddDnsName(host);
        }

        foreach (var address in _addresses)
        {
            builder.AddIpAddress(address);
        }

        return builder.Build();
    }

    public bool Equals(CertificateNames? other) =>
        other is not null && _hosts.AsSpan().SequenceEqual(other._hosts) && _addresses.AsSpan().SequenceEqual(other._addresses);

    public override bool Equals(object? obj) => Equals(obj as CertificateNames);

    public override int GetHashCode() => HashCode.Combine(_hosts.Length, _addresses.Length, _hosts[0]);
}
