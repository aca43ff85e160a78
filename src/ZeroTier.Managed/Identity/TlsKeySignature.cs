using System.Buffers.Binary;
using System.Security.Cryptography;
using ZeroTier.Certificates;

namespace ZeroTier.Managed.Identity;

/// <summary>The signature of an identity over a TLS key.</summary>
/// <remarks>
/// <para>Identities also sign other messages of the protocol, and no signature may be valid for a message of another kind (domain
/// separation). All others are made by controllers: certificates of membership, which consist of qualifiers of 24 bytes each
/// (docs/protocol/3-vl2.md 3.5.2); tags, capabilities, certificates of ownership and revocations, which begin with eight bytes 0x7f
/// (3.5.1); and configurations, which begin with a network ID, and so with the controller's address.</para>
/// <para>The message signed here has 68 bytes, which is not a multiple of 24. It begins with eight bytes 0xff, which differ from 0x7f and
/// are not the ID of a network with a controller, since addresses that begin with 0xff are reserved (docs/protocol/1-identity-and-crypto.md
/// 1.4.3). The rest is a constant and a hash, so that nobody can choose it.</para>
/// </remarks>
internal static class TlsKeySignature
{
    private const int TimeSize = 8;

    // Eight bytes 0xff, then the context string with a zero byte at its end.
    private static ReadOnlySpan<byte> Guard => [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

    private static ReadOnlySpan<byte> Context => "ZtKestrel TLS server key, 1\0"u8;

    /// <summary>Signs a statement about a TLS key.</summary>
    public static TlsKeyProof Sign(NodeIdentity identity, TlsKeyStatement statement)
    {
        byte[] form = new byte[NodeIdentity.BinarySize];
        identity.WriteTo(form);
        return new TlsKeyProof(form, identity.Sign(SignedBytes(form, statement)));
    }

    /// <summary>Whether the identity has signed the statement. The proof must contain the same identity.</summary>
    public static bool Verify(NodeIdentity identity, TlsKeyStatement statement, TlsKeyProof proof)
    {
        byte[] form = new byte[NodeIdentity.BinarySize];
        identity.WriteTo(form);
        return proof.Identity.Span.SequenceEqual(form) && identity.Verify(SignedBytes(form, statement), proof.Signature.Span);
    }

    /// <summary>The message to sign.</summary>
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
