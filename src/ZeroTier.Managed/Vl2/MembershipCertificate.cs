using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl2;

/// <summary>The certificate of membership on the wire (chapter 3.5.2). Ad-hoc networks have none; old peers may still attach one.</summary>
internal static class MembershipCertificate
{
    private const int MaxQualifiers = 8;
    private const int QualifierLength = 24;
    private const int SignerLength = 5;
    private const int SignatureLength = 96;

    /// <summary>Moves behind a certificate; false when it is damaged.</summary>
    public static bool TrySkip(ref ReadOnlySpan<byte> data)
    {
        if (data.Length < 3 || data[0] != 1 || BinaryPrimitives.ReadUInt16BigEndian(data[1..]) is var qualifiers && qualifiers > MaxQualifiers)
        {
            return false;
        }

        int length = 3 + (qualifiers * QualifierLength) + SignerLength;
        if (data.Length < length)
        {
            return false;
        }

        if (data[(length - SignerLength)..length].ContainsAnyExcept((byte)0))
        {
            length += SignatureLength;
        }

        if (data.Length < length)
        {
            return false;
        }

        data = data[length..];
        return true;
    }
}
