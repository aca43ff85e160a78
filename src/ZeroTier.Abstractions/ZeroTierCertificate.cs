using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZeroTier.Certificates;

namespace ZeroTier;

/// <summary>
/// The TLS certificate of a node, made and renewed by itself: self-signed (ECDSA P-256), with a proof that the node's identity gives for
/// its key. Clients that check it with <see cref="ZeroTierNode.ValidateServerCertificate"/>, as <see cref="ZeroTierHttpHandler"/> does,
/// need no authority. Thread-safe.
/// </summary>
/// <remarks>
/// Good for 30 days and replaced after 20, when it is asked for; and whenever the node's networks or addresses have changed. The key lives
/// in memory alone, except on Windows, whose TLS takes none that is not in the user's key store; there it is removed with the object.
/// </remarks>
public sealed class ZeroTierCertificate
{
    // What must be in it, for clients that look: for signatures, of TLS servers (RFC 5280, 4.2.1.3 and 4.2.1.12).
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private readonly Lock _gate = new();
    private readonly ZeroTierNode _node;
    private Issued? _issued;

    /// <summary>Makes the source of a node's certificates. No certificate is made yet, and the node need not run.</summary>
    /// <param name="node">The node, which stays the caller's.</param>
    public ZeroTierCertificate(ZeroTierNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        _node = node;
    }

    /// <summary>
    /// The certificate to show now, with its private key: the same object until it is renewed. For each handshake anew, for example
    /// <c>listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => certificate.Get())</c>. Do not dispose of it.
    /// </summary>
    /// <exception cref="ZeroTierException">
    /// The node was never started (<see cref="ZeroTierError.NotRunning"/>), or its engine cannot prove a certificate
    /// (<see cref="ZeroTierError.NotSupported"/>).
    /// </exception>
    public X509Certificate2 Get()
    {
        var names = CertificateNames.Of(_node);
        var now = _node.Clock.GetUtcNow();
        lock (_gate)
        {
            // One that was replaced is left to the finalizer: handshakes may still use it.
            return (_issued is { } issued && issued.Names.Equals(names) && issued.Times.IsFresh(now)
                ? issued
                : _issued = Issue(names, CertificateTimes.From(now))).Certificate;
        }
    }

    private Issued Issue(CertificateNames names, CertificateTimes times)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var statement = new TlsKeyStatement(key.ExportSubjectPublicKeyInfo(), times.NotBefore, times.NotAfter);
        var proof = _node.ProveTlsKey(statement) ?? throw new ZeroTierException(
            ZeroTierError.NotSupported,
            $"The {_node.Engine} engine has no access to the key of the node's identity, so that nothing would prove a certificate "
                + "of this node. Use the managed engine (ZeroTier:Engine = Managed), or a certificate of your own: "
                + "UseHttps(\"app.pfx\", password).");
        var request = new CertificateRequest($"CN={_node.Id}{ZeroTierName.Suffix}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(
                certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        request.CertificateExtensions.Add(names.ToExtension());
        request.CertificateExtensions.Add(ProofExtension.Write(proof));
        return new Issued(names, times, Usable(request.CreateSelfSigned(times.NotBefore, times.NotAfter)));
    }

    /// <summary>TLS of Windows refuses a key that is in no key store.</summary>
    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows())
        {
            return certificate;
        }

        using (certificate)
        {
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
        }
    }

    private sealed record Issued(CertificateNames Names, CertificateTimes Times, X509Certificate2 Certificate);
}
