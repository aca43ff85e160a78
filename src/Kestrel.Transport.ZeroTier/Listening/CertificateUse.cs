using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Whether an endpoint serves with the node's certificate. If so the first one is made before the endpoints accept anything: a node that cannot prove it then fails
/// the start, and not one handshake after the other. Thread-safe.
/// </summary>
internal sealed class CertificateUse(ZeroTierCertificate certificate)
{
    private bool _claimed;

    /// <summary>An endpoint serves with it.</summary>
    public void Claim() => Volatile.Write(ref _claimed, true);

    /// <summary>Makes the certificate where one is needed. The node has started.</summary>
    /// <exception cref="ZeroTierException">It cannot be made.</exception>
    public void Check()
    {
        if (Volatile.Read(ref _claimed))
        {
            certificate.Get();
        }
    }
}
