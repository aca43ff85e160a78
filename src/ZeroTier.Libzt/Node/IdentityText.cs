using System.Security.Cryptography;
using System.Text;
using ZeroTier.Engines;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// An identity with its secret as libzt passes it around: terminated text in 384 bytes. Overwritten when disposed of.
/// </summary>
internal sealed unsafe class IdentityText : IDisposable
{
    // Pinned: a copy that the collector leaves behind could not be overwritten.
    private readonly byte[] _bytes = GC.AllocateArray<byte>((int)Zts.IdentityLength, pinned: true);

    private IdentityText()
    {
    }

    /// <summary>The identity of a storage folder; null when it is damaged. It is held only in memory that is zeroed.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static IdentityText? OfFolder(StorageClaim claim)
    {
        var identity = new IdentityText();
        try
        {
            // One byte stays for the terminator; a file that fills the rest is longer than any identity.
            var room = identity._bytes.AsSpan(0, identity._bytes.Length - 1);
            int length = claim.ReadSecret(room);
            if (length < room.Length)
            {
                // libzt does not skip leading blanks; it would silently create a new identity.
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

    /// <summary>Takes over an identity.</summary>
    /// <exception cref="ZeroTierException">It is not one, or has no secret; libzt would silently take a new one instead.</exception>
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

    /// <summary>The identity of the running node; null when libzt does not give it.</summary>
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

    /// <summary>Makes the coming start use this identity.</summary>
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

        // One byte stays for the terminator.
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
