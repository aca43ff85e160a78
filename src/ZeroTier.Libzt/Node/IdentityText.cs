using System.Security.Cryptography;
using System.Text;
using ZeroTier.Engines;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// An identity with its private key in libzt's format: null-terminated text in a buffer of 384 bytes. Zeroed when disposed.
/// </summary>
internal sealed unsafe class IdentityText : IDisposable
{
    // Pinned, so that the garbage collector cannot move it and leave a copy that is not zeroed.
    private readonly byte[] _bytes = GC.AllocateArray<byte>((int)Zts.IdentityLength, pinned: true);

    private IdentityText()
    {
    }

    /// <summary>
    /// Reads the identity of a storage folder; null when it is invalid. The text is held only in memory that is zeroed later.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static IdentityText? OfFolder(StorageClaim claim)
    {
        var identity = new IdentityText();
        try
        {
            // The last byte is the terminator. A file that fills the rest is longer than any identity.
            var room = identity._bytes.AsSpan(0, identity._bytes.Length - 1);
            int length = claim.ReadSecret(room);
            if (length < room.Length)
            {
                // libzt does not skip leading white space; it would silently create a new identity.
                room[room[..length].TrimEnd(" \t\r\n"u8).Length..].Clear();
                if (length > 0 && room[0] > ' ' && identity.IsValid())
                {
                    return identity;
                }
            }
        }
        catch
        {
            identity.Dispose();
            throw;
        }

        identity.Dispose();
        return null;
    }

    /// <summary>Parses an identity.</summary>
    /// <exception cref="ZeroTierException">It is invalid or has no private key; libzt would silently create a new one instead.</exception>
    public static IdentityText Parse(string text)
    {
        var identity = Copy(text);
        if (identity is not null && identity.IsValid())
        {
            return identity;
        }

        identity?.Dispose();
        throw new ZeroTierException(
            ZeroTierError.Storage,
            "The identity is not valid, or has no private key. Give the text of a file identity.secret: address:0:public:secret.");
    }

    /// <summary>The identity of the running node; null when libzt does not return it.</summary>
    public static IdentityText? OfRunningNode()
    {
        var identity = new IdentityText();
        uint length = Zts.IdentityLength;
        fixed (byte* bytes = identity._bytes)
        {
            if (Zts.NodeGetIdPair(bytes, &length) == Zts.Ok)
            {
                return identity;
            }
        }

        identity.Dispose();
        return null;
    }

    /// <summary>Makes the next start use this identity.</summary>
    public int Use()
    {
        fixed (byte* bytes = _bytes)
        {
            return Zts.InitFromMemory(bytes, Zts.IdentityLength);
        }
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    private static IdentityText? Copy(string text)
    {
        var identity = new IdentityText();

        // The last byte is the terminator.
        if (Encoding.ASCII.TryGetBytes(text.AsSpan().Trim(), identity._bytes.AsSpan(0, identity._bytes.Length - 1), out _))
        {
            return identity;
        }

        identity.Dispose();
        return null;
    }

    private bool IsValid()
    {
        fixed (byte* bytes = _bytes)
        {
            return Zts.IdPairIsValid(bytes, Zts.IdentityLength) == 1;
        }
    }
}
