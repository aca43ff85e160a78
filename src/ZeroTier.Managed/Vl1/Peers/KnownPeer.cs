using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Peers;

/// <summary>An entry of the peer cache, which also survives restarts (docs/protocol/2-vl1.md 2.18). Immutable.</summary>
internal sealed record KnownPeer(NodeIdentity Identity, PeerVersion Version, IReadOnlyList<InetEndPoint> EndPoints)
{
    private const byte FormatVersion = 2;
    private const int IdentitySize = NodeIdentity.BinarySize;

    /// <summary>Longest serialised form.</summary>
    public const int MaxSize = 1 + IdentitySize + 10 + Vl1Limits.CachedEndPoints * WireAddress.MaxSize;

    /// <summary>Writes the entry in the format of ZeroTierOne 1.12's peer files.</summary>
    /// <param name="destination">At least <see cref="MaxSize"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> destination)
    {
        destination[0] = FormatVersion;
        int at = 1 + Identity.WriteTo(destination[1..]);
        foreach (ushort field in (ReadOnlySpan<ushort>)[Version.Protocol, Version.Major, Version.Minor, Version.Revision])
        {
            BinaryPrimitives.WriteUInt16BigEndian(destination[at..], field);
            at += 2;
        }

        int count = Math.Min(EndPoints.Count, Vl1Limits.CachedEndPoints);
        BinaryPrimitives.WriteUInt16BigEndian(destination[at..], (ushort)count);
        at += 2;
        for (int i = 0; i < count; i++)
        {
            at += WireAddress.Write(destination[at..], EndPoints[i]);
        }

        return at;
    }

    /// <summary>Reads an entry.</summary>
    /// <returns>Null when it is malformed.</returns>
    public static KnownPeer? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 1
            || bytes[0] != FormatVersion
            || !WireIdentity.TryRead(bytes[1..], out var identity)
            || bytes.Length < 1 + IdentitySize + 10)
        {
            return null;
        }

        var at = bytes[(1 + IdentitySize)..];
        var version = new PeerVersion(
            (byte)Math.Min((ushort)255, BinaryPrimitives.ReadUInt16BigEndian(at)),
            (byte)Math.Min((ushort)255, BinaryPrimitives.ReadUInt16BigEndian(at[2..])),
            (byte)Math.Min((ushort)255, BinaryPrimitives.ReadUInt16BigEndian(at[4..])),
            BinaryPrimitives.ReadUInt16BigEndian(at[6..]));
        int count = BinaryPrimitives.ReadUInt16BigEndian(at[8..]);
        at = at[10..];
        var endPoints = new List<InetEndPoint>();
        for (int i = 0; i < count; i++)
        {
            if (!WireAddress.TryRead(at, out var endPoint, out int size))
            {
                return null;
            }

            at = at[size..];
            if (!endPoint.IsNone && endPoints.Count < Vl1Limits.CachedEndPoints)
            {
                endPoints.Add(endPoint);
            }
        }

        return new KnownPeer(identity, version, endPoints);
    }
}
