using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZeroTier.Certificates;

namespace ZeroTier;

/// <summary>
/// The TLS certificate of a node, created and renewed automatically: self-signed (ECDSA P-256), with an extension in which the node's
/// identity signs the certificate's key. Clients that verify it with <see cref="ZeroTierNode.ValidateServerCertificate"/>, as
/// <see cref="ZeroTierHttpHandler"/> does, need no certificate authority. Thread-safe.
/// </summary>
/// <remarks>
/// Valid for 30 days. <see cref="Get"/> replaces it after 20 days, and whenever the node's networks or addresses have changed. The private
/// key is kept in memory only, except on Windows, where TLS requires a key in the user's key store; there it is removed with the object.
/// </remarks>
public sealed class ZeroTierCertificate
{
    // The extended key usage of TLS servers (RFC 5280, 4.2.1.12), which clients may require.
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private readonly Lock _gate = new();
    private readonly ZeroTierNode _node;
    private Issued? _issued;

    /// <summary>Creates the source of a node's certificates. Creates no certificate yet; the node need not be running.</summary>
    /// <param name="node">The node; not disposed by this object.</param>
    public ZeroTierCertificate(ZeroTierNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        _node = node;
    }

    /// <summary>
    /// The current certificate, with its private key: the same object until it is renewed. Call it for each handshake, for example
    /// <c>listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => certificate.Get())</c>. Do not dispose the result.
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
            // A replaced certificate is not disposed, since handshakes may still use it; the finalizer releases it.
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

    /// <summary>SChannel refuses a key that is not in a key store; a PKCS #12 round trip puts it there.</summary>
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
