using System.Buffers.Binary;
using System.Security.Cryptography;
using ZeroTier.Certificates;

namespace ZeroTier.Managed.Identity;

/// <summary>The signature of an identity over a TLS key.</summary>
/// <remarks>
/// <para>Identities sign other things in this protocol, and none of these signatures may pass for another. All others are made by controllers: certificates of membership, which
/// are qualifiers of 24 bytes each (docs/protocol/3-vl2.md 3.5.2); tags, capabilities, ownership and revocations, which begin with eight times 0x7f (3.5.1); and
/// configurations, which begin with the ID of a network, that is with the controller's address.</para>
/// <para>What is signed here has 68 bytes, which is no number of qualifiers; it begins with eight times 0xff, which is no guard and no network that has a controller, since
/// addresses that begin with 0xff are reserved (docs/protocol/1-identity-and-crypto.md 1.4.3). Of the rest nobody chooses a byte: it is a constant and a hash.</para>
/// </remarks>
internal static class TlsKeySignature
{
    private const int TimeSize = 8;

    // Eight times 0xff, then the words and a zero byte.
    private static ReadOnlySpan<byte> Guard => [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

    private static ReadOnlySpan<byte> Context => "ZtKestrel TLS server key, 1\0"u8;

    /// <summary>Signs.</summary>
    public static TlsKeyProof Sign(NodeIdentity identity, TlsKeyStatement statement)
    {
        byte[] form = new byte[NodeIdentity.BinarySize];
        identity.WriteTo(form);
        return new TlsKeyProof(form, identity.Sign(SignedBytes(form, statement)));
    }

    /// <summary>Whether the identity has signed the statement. The proof must name that identity, too.</summary>
    public static bool Verify(NodeIdentity identity, TlsKeyStatement statement, TlsKeyProof proof)
    {
        byte[] form = new byte[NodeIdentity.BinarySize];
        identity.WriteTo(form);
        return proof.Identity.Span.SequenceEqual(form) && identity.Verify(SignedBytes(form, statement), proof.Signature.Span);
    }

    /// <summary>What is signed.</summary>
    internal static byte[] SignedBytes(ReadOnlySpan<byte> identity, TlsKeyStatement statement)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> times = stackalloc byte[2 * TimeSize];
        BinaryPrimitives.WriteInt64BigEndian(times, statement.NotBefore.ToUnixTimeSeconds());
        BinaryPrimitives.WriteInt64BigEndian(times[TimeSize..], statement.NotAfter.ToUnixTimeSeconds());
        hash.AppendData(identity);
        hash.AppendData(times);
        hash.AppendData(statement.PublicKey.Span);
        return [.. Guard, .. Context, .. hash.GetHashAndReset()];
    }
}
