using System.Buffers.Binary;
using System.Collections.Immutable;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>A certificate of membership (chapter 3.5.2). Ad-hoc networks have none; old peers may still attach one to a frame. Immutable.</summary>
internal sealed class MembershipCertificate
{
    private const int MaxQualifiers = 8;
    private const int QualifierLength = 24;
    private const int SignerLength = 5;
    private const int SignatureLength = 96;

    /// <summary>The certificate as it came, to be shown to others.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    /// <summary>What it states, by rising ID.</summary>
    public required ImmutableArray<Qualifier> Qualifiers { get; init; }

    /// <summary>The controller that signed it; the default value when nobody did.</summary>
    public required NodeId Signer { get; init; }

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

    /// <summary>One statement: a value, and by how much that of another member may differ.</summary>
    internal readonly record struct Qualifier(ulong Id, ulong Value, ulong MaxDelta);
}
