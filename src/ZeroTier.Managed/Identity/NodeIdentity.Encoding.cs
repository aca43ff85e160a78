using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace ZeroTier.Managed;

/// <content>Text form (docs/protocol/1-identity-and-crypto.md 1.4.5) and binary form (1.4.6).</content>
public sealed partial class NodeIdentity
{
    /// <summary>Bytes of the binary form without a private key, which is the only form that is sent.</summary>
    public const int BinarySize = AddressSize + 1 + PublicKeySize + 1;

    /// <summary>Characters of the public text form.</summary>
    public const int TextLength = NodeId.TextLength + 3 + 2 * PublicKeySize;

    /// <summary>Characters of the text form with the private key.</summary>
    public const int SecretTextLength = TextLength + 1 + 2 * PrivateKeySize;

    private const int AddressSize = 5;
    private const byte KeyType = 0;

    /// <summary>Reads the text form, public or with the private key. White space around it is ignored.</summary>
    /// <remarks>
    /// Does not check that address and public key belong together (<see cref="IsLocallyValid"/>); a private key is checked against the
    /// public one.
    /// </remarks>
    /// <exception cref="FormatException">The text is not an identity, or its private key does not match the public key. The message never
    /// contains the text.</exception>
    public static NodeIdentity Parse(string text) => TryParse(text, out NodeIdentity? identity)
        ? identity
        : throw new FormatException(
            "The text is not a valid node identity. Expected address:0:public key, or address:0:public key:private key, in hexadecimal.");

    /// <summary>Reads the text form without throwing. See <see cref="Parse"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out NodeIdentity? identity)
    {
        identity = null;
        ReadOnlySpan<char> s = text.AsSpan().Trim();
        if ((s.Length != TextLength && s.Length != SecretTextLength) || s[NodeId.TextLength] != ':' || s[NodeId.TextLength + 1] != '0' ||
            s[NodeId.TextLength + 2] != ':')
        {
            return false;
        }

        Span<byte> address = stackalloc byte[AddressSize];
        byte[] publicKey = new byte[PublicKeySize];
        if (!TryReadHex(s[..NodeId.TextLength], address) || ReadAddress(address).IsReserved ||
            !TryReadHex(s.Slice(NodeId.TextLength + 3, 2 * PublicKeySize), publicKey))
        {
            return false;
        }

        if (s.Length == TextLength)
        {
            identity = new NodeIdentity(ReadAddress(address), publicKey, privateKey: null);
            return true;
        }

        byte[] privateKey = AllocateSecret();
        if (s[TextLength] != ':' || !TryReadHex(s[(TextLength + 1)..], privateKey) || !IsKeyPair(privateKey, publicKey))
        {
            CryptographicOperations.ZeroMemory(privateKey);
            return false;
        }

        identity = new NodeIdentity(ReadAddress(address), publicKey, privateKey);
        return true;
    }

    /// <summary>Reads the binary form from the start of <paramref name="source"/>.</summary>
    /// <remarks>
    /// Reserved addresses are accepted here, as on the wire, and refused by <see cref="IsLocallyValid"/>. A private key is checked against
    /// the public one.
    /// </remarks>
    /// <param name="source">The bytes; any number of others may follow.</param>
    /// <param name="identity">The identity.</param>
    /// <param name="bytesRead">71, or 135 with a private key; 0 on failure.</param>
    /// <returns>False when the bytes are not an identity.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, [NotNullWhen(true)] out NodeIdentity? identity, out int bytesRead)
    {
        identity = null;
        bytesRead = 0;
        if (source.Length < BinarySize || source[AddressSize] != KeyType)
        {
            return false;
        }

        byte[]? privateKey = null;
        int size = BinarySize;
        ReadOnlySpan<byte> publicKey = source.Slice(AddressSize + 1, PublicKeySize);
        switch (source[BinarySize - 1])
        {
            case 0:
                break;
            case PrivateKeySize when source.Length >= BinarySize + PrivateKeySize:
                size += PrivateKeySize;
                privateKey = AllocateSecret();
                source.Slice(BinarySize, PrivateKeySize).CopyTo(privateKey);
                if (!IsKeyPair(privateKey, publicKey))
                {
                    CryptographicOperations.ZeroMemory(privateKey);
                    return false;
                }

                break;
            default:
                return false;
        }

        identity = new NodeIdentity(ReadAddress(source), publicKey.ToArray(), privateKey);
        bytesRead = size;
        return true;
    }

    /// <summary>Writes the binary form, always without the private key.</summary>
    /// <returns>The bytes written: 71.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public int WriteTo(Span<byte> destination)
    {
        if (destination.Length < BinarySize)
        {
            throw new ArgumentException($"An identity needs {BinarySize} bytes.", nameof(destination));
        }

        WriteAddress(Address, destination);
        destination[AddressSize] = KeyType;
        _publicKey.CopyTo(destination[(AddressSize + 1)..]);
        destination[BinarySize - 1] = 0;
        return BinarySize;
    }

    /// <summary>The public text form: never the private key.</summary>
    public override string ToString() => $"{Address}:0:{Convert.ToHexStringLower(_publicKey)}";

    /// <summary>The text form with the private key, as in <c>identity.secret</c>. Keep it secret.</summary>
    /// <exception cref="InvalidOperationException">There is no private key.</exception>
    /// <exception cref="ObjectDisposedException">The identity was disposed of.</exception>
    public string ToSecretText() => $"{this}:{Convert.ToHexStringLower(Secret)}";

    private static bool TryReadHex(ReadOnlySpan<char> digits, Span<byte> destination) =>
        Convert.FromHexString(digits, destination, out _, out int written) == OperationStatus.Done && written == destination.Length;

    private static NodeId ReadAddress(ReadOnlySpan<byte> source) =>
        new((ulong)source[0] << 32 | BinaryPrimitives.ReadUInt32BigEndian(source[1..]));

    private static void WriteAddress(NodeId address, Span<byte> destination)
    {
        destination[0] = (byte)(address.Value >> 32);
        BinaryPrimitives.WriteUInt32BigEndian(destination[1..], (uint)address.Value);
    }

    private static bool IsKeyPair(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey)
    {
        Span<byte> derived = stackalloc byte[PublicKeySize];
        DerivePublicKey(privateKey, derived);
        return CryptographicOperations.FixedTimeEquals(derived, publicKey);
    }
}
