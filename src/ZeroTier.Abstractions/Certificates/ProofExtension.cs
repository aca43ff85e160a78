using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace ZeroTier.Certificates;

/// <summary>
/// The X.509 extension with the proof: <c>SEQUENCE { version INTEGER (1), identity OCTET STRING, signature OCTET STRING }</c>. Not
/// critical, so that browsers and other clients, which do not know it, treat the certificate as an ordinary self-signed one.
/// </summary>
internal static class ProofExtension
{
    /// <summary>Derived from a UUID (X.667), because this project has no registered OID arc.</summary>
    public const string Oid = "2.25.251913182933352324249123458578709913708";

    private const int Version = 1;

    public static X509Extension Write(TlsKeyProof proof)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(Version);
            writer.WriteOctetString(proof.Identity.Span);
            writer.WriteOctetString(proof.Signature.Span);
        }

        return new X509Extension(Oid, writer.Encode(), critical: false);
    }

    /// <exception cref="AsnContentException">The extension's value is malformed.</exception>
    public static TlsKeyProof Read(X509Extension extension)
    {
        var reader = new AsnReader(extension.RawData, AsnEncodingRules.DER);
        var fields = reader.ReadSequence();
        reader.ThrowIfNotEmpty();
        if (!fields.TryReadInt32(out int version) || version != Version)
        {
            throw new AsnContentException("It has another version.");
        }

        var proof = new TlsKeyProof(fields.ReadOctetString(), fields.ReadOctetString());
        fields.ThrowIfNotEmpty();
        return proof;
    }
}
