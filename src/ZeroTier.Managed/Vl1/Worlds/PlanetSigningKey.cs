using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using ZeroTier.Engines;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.Vl1;
using ZeroTier.Platform;

namespace ZeroTier.Managed;

/// <summary>The key pair that signs a planet and its updates. Keep the private key offline: whoever has it decides the roots.</summary>
/// <remarks>Safe for use by several threads, but for <see cref="Dispose"/>.</remarks>
public sealed class PlanetSigningKey : IDisposable
{
    /// <summary>Bytes of the public key: an X25519 key, which is not used, then an Ed25519 key.</summary>
    public const int PublicKeySize = NodeIdentity.PublicKeySize;

    /// <summary>Bytes of the private key.</summary>
    public const int PrivateKeySize = NodeIdentity.PrivateKeySize;

    /// <summary>Bytes of a signature.</summary>
    public const int SignatureSize = NodeIdentity.SignatureSize;

    // A key in hexadecimal digits, and as much again for white space.
    private const int MaximumFileSize = 4 * PrivateKeySize;

    private const int KeyOffset = PacketHeader.AddressSize + 1;

    // The key pair is stored as an identity without an address: its keys and signatures have the same form (docs/protocol/2-vl1.md 2.8.2).
    private readonly NodeIdentity _pair;

    private PlanetSigningKey(NodeIdentity pair) => _pair = pair;

    /// <summary>The public key, 64 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => _pair.PublicKey;

    /// <summary>Generates a key pair with the system's random number generator.</summary>
    public static PlanetSigningKey Generate() => Generate(RandomSource.System);

    /// <summary>Generates a key pair.</summary>
    /// <param name="random">The source of randomness.</param>
    public static PlanetSigningKey Generate(RandomSource random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> secret = stackalloc byte[PrivateKeySize];
        random.Fill(secret);
        try
        {
            return FromPrivateKey(secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Creates the key pair of a private key.</summary>
    /// <exception cref="ArgumentException">The key does not have <see cref="PrivateKeySize"/> bytes.</exception>
    public static PlanetSigningKey FromPrivateKey(ReadOnlySpan<byte> privateKey)
    {
        if (privateKey.Length != PrivateKeySize)
        {
            throw new ArgumentException($"The private key has {PrivateKeySize} bytes.", nameof(privateKey));
        }

        Span<byte> form = stackalloc byte[NodeIdentity.BinarySize + PrivateKeySize];
        form.Clear();
        X25519.PublicKey(privateKey, form[KeyOffset..]);
        Ed25519.PublicKey(privateKey[Ed25519.KeySize..], form[(KeyOffset + X25519.KeySize)..]);
        form[NodeIdentity.BinarySize - 1] = PrivateKeySize;
        privateKey.CopyTo(form[NodeIdentity.BinarySize..]);
        try
        {
            return new PlanetSigningKey(Read(form));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form);
        }
    }

    /// <summary>
    /// Reads a key pair from a file that <see cref="Save"/> wrote, and restricts the file's permissions to its owner.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is not a signing key.</exception>
    public static PlanetSigningKey Load(string path)
    {
        Span<byte> secret = stackalloc byte[PrivateKeySize];
        byte[] text = GC.AllocateUninitializedArray<byte>(MaximumFileSize, pinned: true);
        try
        {
            PrivateFile.Tighten(path);
            using var file = PrivateFile.OpenRead(path);
            int read = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            return Convert.FromHexString(text.AsSpan(0, read).Trim(" \t\r\n"u8), secret, out _, out int length) == OperationStatus.Done
                && length == PrivateKeySize
                ? FromPrivateKey(secret)
                : throw new FormatException(
                    $"'{path}' is not the signing key of a planet. Restore the file: without it the planet can never change.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(text);
        }
    }

    /// <summary>Writes the key pair to a new file that only its owner may read (mode 0600).</summary>
    /// <exception cref="IOException">The file exists or cannot be written.</exception>
    public void Save(string path)
    {
        Span<byte> text = stackalloc byte[2 * PrivateKeySize];
        try
        {
            Convert.TryToHexStringLower(_pair.Secret, text, out _);
            PrivateFile.Write(path, text, secret: true, overwrite: false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    /// <summary>Overwrites the private key.</summary>
    public void Dispose() => _pair.Dispose();

    internal byte[] Sign(ReadOnlySpan<byte> message) => _pair.Sign(message);

    internal static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Span<byte> form = stackalloc byte[NodeIdentity.BinarySize];
        form.Clear();
        publicKey.CopyTo(form[KeyOffset..]);
        return Read(form).Verify(message, signature);
    }

    private static NodeIdentity Read(ReadOnlySpan<byte> form) =>
        NodeIdentity.TryRead(form, out var pair, out _) ? pair : ThrowUnreadable();

    [DoesNotReturn]
    private static NodeIdentity ThrowUnreadable() => throw new InvalidOperationException("A key pair cannot be read back.");
}
