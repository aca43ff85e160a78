using System.Collections.Concurrent;
using System.Net;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Tracks which endpoints use the node's certificate. It is created when such an endpoint is bound, so that an engine that cannot prove a
/// certificate fails the bind instead of every TLS handshake. Thread-safe.
/// </summary>
internal sealed class CertificateUse(ZeroTierCertificate certificate)
{
    // Keyed by port: a "localhost" endpoint that is moved to the virtual network is bound to other addresses than it was configured with.
    private readonly ConcurrentDictionary<int, bool> _isMade = new();

    /// <summary>Registers an endpoint that uses the certificate.</summary>
    public void Claim(EndPoint endPoint) => _isMade.TryAdd(PortOf(endPoint), false);

    /// <summary>Creates the certificate if the endpoint uses it. The node must have started.</summary>
    /// <exception cref="ZeroTierException">The engine cannot prove a certificate.</exception>
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
