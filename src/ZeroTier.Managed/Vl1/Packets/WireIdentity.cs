using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// Identities in packets: 71 bytes, without a private key. One that has a private key is refused: checking that would cost two key
/// derivations for each unauthenticated packet.
/// </summary>
internal static class WireIdentity
{
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out NodeIdentity? identity)
    {
        identity = null;
        return bytes.Length >= NodeIdentity.BinarySize && bytes[NodeIdentity.BinarySize - 1] == 0
            && NodeIdentity.TryRead(bytes[..NodeIdentity.BinarySize], out identity, out _) && !identity.Address.IsReserved;
    }

    /// <summary>As the other one, but returns <paramref name="known"/> when it is that identity: then nothing is allocated.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, NodeIdentity? known, [NotNullWhen(true)] out NodeIdentity? identity)
    {
        Span<byte> form = stackalloc byte[NodeIdentity.BinarySize];
        if (known is not null && bytes.StartsWith(form[..known.WriteTo(form)]))
        {
            identity = known;
            return true;
        }

        return TryRead(bytes, out identity);
    }
}
