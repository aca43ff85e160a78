using System.Collections.Concurrent;
using System.Net;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Which endpoints serve with the node's certificate. The first one is made before such an endpoint accepts anything: a node that cannot
/// prove it then fails the bind, and not one handshake after the other. Other endpoints have nothing to do with it. Thread-safe.
/// </summary>
internal sealed class CertificateUse(ZeroTierCertificate certificate)
{
    // By port: an endpoint of "localhost" that is moved to the virtual network is bound by other addresses than it was made with.
    private readonly ConcurrentDictionary<int, bool> _isMade = new();

    /// <summary>An endpoint serves with it.</summary>
    public void Claim(EndPoint endPoint) => _isMade.TryAdd(PortOf(endPoint), false);

    /// <summary>Makes the certificate where the endpoint needs one. The node has started.</summary>
    /// <exception cref="ZeroTierException">It cannot be made.</exception>
    public void Check(EndPoint endPoint)
    {
        int port = PortOf(endPoint);
        if (_isMade.TryGetValue(port, out bool isMade) && !isMade)
        {
            certificate.Get();
            _isMade[port] = true;
        }
    }

    private static int PortOf(EndPoint endPoint) => endPoint switch
    {
        ZeroTierEndPoint { Port: var port } => port,
        IPEndPoint { Port: var port } => port,
        DnsEndPoint { Port: var port } => port,
        _ => 0,
    };
}
