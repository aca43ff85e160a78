using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>
/// The payload of NETWORK_CREDENTIALS (docs/protocol/3-vl2.md 3.5.7). It may contain credentials of any member; signatures are checked
/// later.
/// </summary>
internal sealed class CredentialList
{
    // More than fit into a packet of the largest size, which holds about 70 tags.
    private const int MaxPerKind = 128;

    public List<MembershipCertificate> Memberships { get; } = [];

    /// <summary>Capabilities, tags and certificates of ownership.</summary>
    public List<Credential> Credentials { get; } = [];

    public List<Revocation> Revocations { get; } = [];

    /// <summary>Reads a payload. Old versions may end it after any list.</summary>
    public static bool TryRead(ReadOnlySpan<byte> data, [NotNullWhen(true)] out CredentialList? list)
    {
        list = null;
        var result = new CredentialList();
        while (!data.IsEmpty && data[0] != 0)
        {
            if (result.Memberships.Count == MaxPerKind || !MembershipCertificate.TryRead(ref data, out MembershipCertificate? membership))
            {
                return false;
            }

            result.Memberships.Add(membership);
        }

        if (data.IsEmpty)
        {
            return false;
        }

        data = data[1..];
        for (int kind = 0; kind < 4 && !data.IsEmpty; kind++)
        {
            if (data.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(data) is var count && count > MaxPerKind)
            {
                return false;
            }

            data = data[2..];
            for (int i = 0; i < count; i++)
            {
                if (!result.TryReadOne(kind, ref data))
                {
                    return false;
                }
            }
        }

        list = result;
        return true;
    }

    /// <summary>Encodes the payload with which a member presents its own credentials.</summary>
    public static byte[] Encode(
        MembershipCertificate? membership,
        IReadOnlyCollection<Capability> capabilities,
        IReadOnlyCollection<Tag> tags,
        IReadOnlyCollection<OwnershipCertificate> ownership)
    {
        var bytes = new List<byte>();
        if (membership is not null)
        {
            bytes.AddRange(membership.Encoded.Span);
        }

        bytes.Add(0);
        Append(bytes, capabilities);
        Append(bytes, tags);
        bytes.AddRange((byte)0, (byte)0);
        Append(bytes, ownership);
        return [.. bytes];
    }

    /// <summary>Encodes a payload with up to 128 revocations.</summary>
    public static byte[] EncodeRevocations(IReadOnlyList<ReadOnlyMemory<byte>> revocations) =>
        [0, 0, 0, 0, 0, 0, (byte)revocations.Count, .. revocations.SelectMany(r => r.ToArray()), 0, 0];

    private static void Append(List<byte> bytes, IReadOnlyCollection<Credential> credentials)
    {
        bytes.AddRange((byte)(credentials.Count >> 8), (byte)credentials.Count);
        foreach (Credential credential in credentials)
        {
            bytes.AddRange(credential.Encoded.Span);
        }
    }

    private bool TryReadOne(int kind, ref ReadOnlySpan<byte> data)
    {
        switch (kind)
        {
            case 0 when Capability.TryRead(ref data, out Capability? capability):
                Credentials.Add(capability);
                return true;
            case 1 when Tag.TryRead(ref data, out Tag? tag):
                Credentials.Add(tag);
                return true;
            case 2 when Revocation.TryRead(ref data, out Revocation? revocation):
                Revocations.Add(revocation);
                return true;
            case 3 when OwnershipCertificate.TryRead(ref data, out OwnershipCertificate? ownership):
                Credentials.Add(ownership);
                return true;
            default:
                return false;
        }
    }
}
