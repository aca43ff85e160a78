using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Managed.Identity;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>
/// A certificate of membership (docs/protocol/3-vl2.md 3.5.2). Ad-hoc networks have none, though old peers may attach one to a frame.
/// Immutable.
/// </summary>
internal sealed class MembershipCertificate
{
    private const byte FirstByte = 0x01;
    private const int HeaderLength = 3;
    private const int MaxQualifiers = 8;
    private const int QualifierLength = 24;
    private const int SignerLength = 5;

    private const ulong TimestampId = 0;
    private const ulong NetworkIdId = 1;
    private const ulong IssuedToId = 2;
    private const ulong FirstHashId = 3;
    private const int HashParts = 4;

    /// <summary>The certificate as received, to be sent to others.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    /// <summary>Its qualifiers, in ascending order of ID.</summary>
    public required ImmutableArray<Qualifier> Qualifiers { get; init; }

    /// <summary>The controller that signed it; the default value when it is not signed.</summary>
    public required NodeId SignedBy { get; init; }

    /// <summary>When it was issued, by the controller's clock in milliseconds.</summary>
    public ulong Timestamp => Find(TimestampId) ?? 0;

    public NetworkId Network => new(Find(NetworkIdId) ?? 0);

    public NodeId IssuedTo => new((Find(IssuedToId) ?? 0) & 0xff_ffff_ffff);

    /// <summary>Reads a certificate and advances the span behind it; false when it is malformed.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> data, [NotNullWhen(true)] out MembershipCertificate? certificate)
    {
        certificate = null;
        ReadOnlySpan<byte> start = data;
        if (!TrySkip(ref data))
        {
            return false;
        }

        int count = BinaryPrimitives.ReadUInt16BigEndian(start[1..]);
        var qualifiers = ImmutableArray.CreateBuilder<Qualifier>(count);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> at = start[(HeaderLength + (i * QualifierLength))..];
            qualifiers.Add(new Qualifier(
                BinaryPrimitives.ReadUInt64BigEndian(at),
                BinaryPrimitives.ReadUInt64BigEndian(at[8..]),
                BinaryPrimitives.ReadUInt64BigEndian(at[16..])));
        }

        certificate = new MembershipCertificate
        {
            Encoded = start[..(start.Length - data.Length)].ToArray(),
            Qualifiers = qualifiers.MoveToImmutable(),
            SignedBy = NodeId.Read(start[(HeaderLength + (count * QualifierLength))..]),
        };
        return true;
    }

    /// <summary>Advances the span behind a certificate; false when it is malformed.</summary>
    public static bool TrySkip(ref ReadOnlySpan<byte> data)
    {
        if (data.Length < HeaderLength
            || data[0] != FirstByte
            || BinaryPrimitives.ReadUInt16BigEndian(data[1..]) is var count && count > MaxQualifiers)
        {
            return false;
        }

        int qualifiersEnd = HeaderLength + (count * QualifierLength);
        int length = qualifiersEnd + SignerLength;
        if (data.Length < length)
        {
            return false;
        }

        if (NodeId.Read(data[qualifiersEnd..]) != default)
        {
            length += NodeIdentity.SignatureSize;
        }

        if (data.Length < length)
        {
            return false;
        }

        for (int i = 1; i < count; i++)
        {
            ReadOnlySpan<byte> at = data[(HeaderLength + (i * QualifierLength))..];
            if (BinaryPrimitives.ReadUInt64BigEndian(at) < BinaryPrimitives.ReadUInt64BigEndian(
                data[(HeaderLength + ((i - 1) * QualifierLength))..]))
            {
                return false;
            }
        }

        data = data[length..];
        return true;
    }

    /// <summary>Issues a certificate with seven qualifiers, encoded, as the controller of a network.</summary>
    /// <param name="controller">The controller, with its private key.</param>
    /// <param name="network">The network.</param>
    /// <param name="timestamp">Now, by the controller's clock, in milliseconds.</param>
    /// <param name="window">By how many milliseconds the time stamps of two members' certificates may differ.</param>
    /// <param name="member">The member's identity.</param>
    public static byte[] Issue(NodeIdentity controller, NetworkId network, ulong timestamp, ulong window, NodeIdentity member)
    {
        const int Count = 3 + HashParts;
        byte[] bytes = new byte[HeaderLength + (Count * QualifierLength)];
        bytes[0] = FirstByte;
        bytes[2] = Count;
        Span<byte> at = bytes.AsSpan(HeaderLength);
        Write(ref at, TimestampId, timestamp, window);
        Write(ref at, NetworkIdId, network.Value, 0);
        Write(ref at, IssuedToId, member.Address.Value, ulong.MaxValue);
        for (int i = 0; i < HashParts; i++)
        {
            Write(ref at, FirstHashId + (ulong)i, BinaryPrimitives.ReadUInt64BigEndian(member.PublicKeyHash.AsSpan(8 * i)), ulong.MaxValue);
        }

        byte[] signer = new byte[SignerLength];
        controller.Address.Write(signer);
        return [.. bytes, .. signer, .. controller.Sign(bytes.AsSpan(HeaderLength))];

        static void Write(ref Span<byte> at, ulong id, ulong value, ulong maxDelta)
        {
            BinaryPrimitives.WriteUInt64BigEndian(at, id);
            BinaryPrimitives.WriteUInt64BigEndian(at[8..], value);
            BinaryPrimitives.WriteUInt64BigEndian(at[16..], maxDelta);
            at = at[QualifierLength..];
        }
    }

    /// <summary>Checks the signature of the network's controller.</summary>
    public SignatureResult CheckSignature(ISignerDirectory signers)
    {
        if (SignedBy == default || SignedBy != Network.Controller)
        {
            return SignatureResult.Bad;
        }

        ReadOnlySpan<byte> signed = Encoded.Span.Slice(HeaderLength, Qualifiers.Length * QualifierLength);
        return signers.Find(SignedBy) is not { } controller ? SignatureResult.UnknownSigner
            : controller.Verify(signed, Encoded.Span[^NodeIdentity.SignatureSize..]) ? SignatureResult.Good : SignatureResult.Bad;
    }

    /// <summary>
    /// Whether this certificate, ours, agrees with another member's, so that the two may communicate. Only the tolerances (maximum deltas)
    /// of ours are used. If ours contains the hash of our identity, the other must contain the hash of the other member's identity.
    /// </summary>
    /// <param name="theirs">The other's certificate.</param>
    /// <param name="identityHash">SHA-384 of the other's address and public key.</param>
    public bool Agrees(MembershipCertificate theirs, ReadOnlySpan<byte> identityHash)
    {
        if (Qualifiers.IsEmpty || theirs.Qualifiers.IsEmpty)
        {
            return false;
        }

        bool namesIdentity = false;
        foreach (Qualifier ours in Qualifiers)
        {
            namesIdentity |= ours.Id is >= FirstHashId and < FirstHashId + HashParts;
            if (theirs.Find(ours.Id) is not { } other || (ours.Value > other ? ours.Value - other : other - ours.Value) > ours.MaxDelta)
            {
                return false;
            }
        }

        for (int i = 0; namesIdentity && i < HashParts; i++)
        {
            if (theirs.Find(FirstHashId + (ulong)i) != BinaryPrimitives.ReadUInt64BigEndian(identityHash[(8 * i)..]))
            {
                return false;
            }
        }

        return true;
    }

    // Of several qualifiers with the same ID the last one is used.
    private ulong? Find(ulong id)
    {
        for (int i = Qualifiers.Length - 1; i >= 0; i--)
        {
            if (Qualifiers[i].Id == id)
            {
                return Qualifiers[i].Value;
            }
        }

        return null;
    }

    /// <summary>A qualifier: a value, and by how much another member's value may differ.</summary>
    internal readonly record struct Qualifier(ulong Id, ulong Value, ulong MaxDelta);
}
