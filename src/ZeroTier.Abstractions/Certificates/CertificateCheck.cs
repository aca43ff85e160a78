using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ZeroTier.Certificates;

/// <summary>
/// Verifies that a certificate belongs to the node that was called. The decision rests on the node's identity, which VL1 has authenticated,
/// and on nothing that others could forge: neither certificate authorities, nor unsigned names, nor the address that answers.
/// </summary>
internal static class CertificateCheck
{
    private const string EcdsaWithSha256 = "1.2.840.10045.4.3.2";
    private const string NistP256 = "1.2.840.10045.3.1.7";

    // Far more than a certificate with the maximum number of names needs.
    private const int MaxSize = 32 * 1024;

    /// <summary>True for a certificate with a node's proof; this check does not apply to any others.</summary>
    public static bool Concerns(X509Certificate2 certificate) => certificate.Extensions.Any(IsProof);

    /// <summary>Why a certificate is not accepted; null when it is.</summary>
    /// <param name="node">The node that has connected.</param>
    /// <param name="host">The host that it connected to, as in a URL.</param>
    /// <param name="certificate">The peer's certificate. TLS has verified that the peer holds its private key.</param>
    public static string? WhyNot(ZeroTierNode node, string host, X509Certificate2 certificate)
    {
        if (!ZeroTierName.TryFindMember(node, host, out var member, out var network))
        {
            return $"proves a node, and '{host}' does not say which one is meant. Call it by NODE.NETWORK.zt or an address that follows "
                + "from the node, give it such a name in ZeroTier:Hosts, or have the server use a certificate of an authority";
        }

        try
        {
            return Check(node, member, network, certificate);
        }
        catch (Exception exception)
            when (exception is CryptographicException or AsnContentException or FormatException or ArgumentException)
        {
            return $"is damaged: {exception.Message.TrimEnd('.')}";
        }
    }

    private static string? Check(ZeroTierNode node, NodeId member, NetworkId network, X509Certificate2 certificate)
    {
        if (certificate.RawDataMemory.Length > MaxSize)
        {
            return $"is longer than {MaxSize} bytes";
        }

        if (certificate.Extensions.Where(IsProof).Take(2).ToArray() is not [{ Critical: false } proof])
        {
            return "has more than one proof of a node, or a critical one";
        }

        var times = new CertificateTimes(certificate.NotBefore, certificate.NotAfter);
        if (times.WhyNot(node.Clock.GetUtcNow()) is { } reason)
        {
            return reason;
        }

        if (!IsSelfSigned(certificate))
        {
            return "is not signed with its own key (ECDSA P-256)";
        }

        var statement = new TlsKeyStatement(certificate.PublicKey.ExportSubjectPublicKeyInfo(), times.NotBefore, times.NotAfter);
        if (!node.IsProofOf(member, statement, ProofExtension.Read(proof)))
        {
            return $"is not that of node {member}: its key is not proven by that node's identity";
        }

        // Last, because the names are authentic only after the checks above.
        return Names(certificate).Contains(ZeroTierName.Of(member, network), StringComparer.OrdinalIgnoreCase)
            ? null
            : $"does not name network {network}";
    }

    private static bool IsProof(X509Extension extension) => extension.Oid?.Value == ProofExtension.Oid;

    private static IEnumerable<string> Names(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(names => names.EnumerateDnsNames());

    /// <summary>
    /// RFC 5280, 4.1.1.3. The signature covers the names, and the node's identity vouches for the key: so nobody else can have changed a
    /// name.
    /// </summary>
    private static bool IsSelfSigned(X509Certificate2 certificate)
    {
        var reader = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.DER);
        var fields = reader.ReadSequence();
        reader.ThrowIfNotEmpty();
        var signed = fields.ReadEncodedValue();
        string algorithm = fields.ReadSequence().ReadObjectIdentifier();
        byte[] signature = fields.ReadBitString(out _);
        using var key = certificate.GetECDsaPublicKey();
        return algorithm == EcdsaWithSha256
            && key is not null
            && key.ExportParameters(includePrivateParameters: false).Curve.Oid?.Value == NistP256
            && key.VerifyData(signed.Span, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }
}
