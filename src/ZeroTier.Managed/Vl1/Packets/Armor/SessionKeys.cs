using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>
/// The symmetric keys that two nodes share, and the packet armor (authentication and encryption) made with them
/// (docs/protocol/1-identity-and-crypto.md 1.5, 1.8 to 1.10, 1.13). One object per peer. Thread-safe; no allocation per packet. Dispose
/// overwrites the keys; packets that other threads process at that moment are discarded.
/// </summary>
internal sealed class SessionKeys : IDisposable
{
    public const int SessionKeySize = AesGmacSiv.SessionKeySize;
    public const int MinimumPacketSize = 28;
    public const int MaximumPacketSize = 10024;

    private const int IdSize = 8;
    private const int AddressesOffset = 8;
    private const int AddressesSize = 10;
    private const int FlagsOffset = 18;
    private const int MacOffset = 19;
    private const int MacSize = 8;
    private const int BodyOffset = 27;
    private const int PacketRounds = 12;
    private const int CipherKeySize = Salsa20.KeySize;
    private const byte FragmentedFlag = 0x40;
    private const byte EncryptedFlag = 0x80;
    private const byte HopsMask = 0x07;

    // The first 32 bytes of the session key, pinned, for Salsa20. Suite 3 has its own keys.
    private readonly byte[] _key;
    private readonly AesGmacSiv _aes;
    private volatile bool _disposed;

    private SessionKeys(ReadOnlySpan<byte> sessionKey, AesGmacSiv aes)
    {
        _key = GC.AllocateUninitializedArray<byte>(CipherKeySize, pinned: true);
        sessionKey[..CipherKeySize].CopyTo(_key);
        _aes = aes;
    }

    /// <summary>
    /// Derives the keys shared with a peer (1.5). Null when the shared secret is all zeros: the peer's public key is of small order.
    /// </summary>
    public static SessionKeys? Agree(NodeIdentity mine, NodeIdentity peer)
    {
        Span<byte> secret = stackalloc byte[X25519.KeySize];
        Span<byte> digest = stackalloc byte[SHA512.HashSizeInBytes];
        try
        {
            if (!mine.TryAgree(peer, secret))
            {
                return null;
            }

            SHA512.HashData(secret, digest);
            return FromSessionKey(digest[..SessionKeySize]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(digest);
        }
    }

    /// <summary>Keys from the 48 bytes of an agreed session key.</summary>
    internal static SessionKeys FromSessionKey(ReadOnlySpan<byte> sessionKey) => new(sessionKey, AesGmacSiv.Create(sessionKey));

    /// <summary>As <see cref="FromSessionKey"/>, with the portable AES instead of the processor's instructions.</summary>
    internal static SessionKeys FromSessionKeyPortable(ReadOnlySpan<byte> sessionKey) =>
        new(sessionKey, AesGmacSiv.Create(sessionKey, portable: true));

    /// <summary>
    /// Armors a whole packet in place: flags (the fragmented bit stays, hops become 0), MAC, encryption. Suite 3 takes bytes 0 to 7 as the
    /// inner ID and replaces them by the ID on the wire; the others leave them. The ID is the nonce: it must never be used for two packets.
    /// </summary>
    /// <exception cref="ArgumentException">The packet's size is out of range, or the suite makes no armor.</exception>
    public void Arm(Span<byte> packet, CipherSuite suite)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (packet.Length is < MinimumPacketSize or > MaximumPacketSize)
        {
            throw new ArgumentException(
                $"A packet has {MinimumPacketSize} to {MaximumPacketSize} bytes, not {packet.Length}.", nameof(packet));
        }

        byte flags = (byte)(packet[FlagsOffset] & FragmentedFlag | (byte)suite << 3);
        switch (suite)
        {
            case CipherSuite.Poly1305:
                {
                    packet[FlagsOffset] = flags;
                    Span<byte> tag = stackalloc byte[Poly1305.TagSize];
                    Span<byte> block = stackalloc byte[Salsa20.BlockSize];
                    FirstBlock(packet, [], block);
                    Poly1305.Tag(block[..Poly1305.KeySize], packet[BodyOffset..], tag);
                    tag[..MacSize].CopyTo(packet[MacOffset..]);
                    CryptographicOperations.ZeroMemory(block);
                    break;
                }

            case CipherSuite.Salsa20Poly1305:
                {
                    packet[FlagsOffset] = (byte)(flags | EncryptedFlag);
                    Span<byte> tag = stackalloc byte[Poly1305.TagSize];
                    Span<byte> block = stackalloc byte[Salsa20.BlockSize];
                    FirstBlock(packet, packet[BodyOffset..], block);
                    Poly1305.Tag(block[..Poly1305.KeySize], packet[BodyOffset..], tag);
                    tag[..MacSize].CopyTo(packet[MacOffset..]);
                    CryptographicOperations.ZeroMemory(block);
                    break;
                }

            case CipherSuite.AesGmacSiv:
                {
                    packet[FlagsOffset] = flags;
                    Span<byte> block = stackalloc byte[AesGmacSiv.BlockSize];
                    packet[..IdSize].CopyTo(block);
                    Gmac(packet, block, block[IdSize..]);
                    _aes.EncryptBlock(block);
                    block[..IdSize].CopyTo(packet);
                    block[IdSize..].CopyTo(packet[MacOffset..]);
                    block[12] &= 0x7f;
                    _aes.Ctr(block, packet[BodyOffset..]);
                    break;
                }

            default:
                throw new ArgumentOutOfRangeException(nameof(suite), suite, "This cipher suite has no armor.");
        }

        // Dispose may have zeroed the key during encryption; such a packet would be readable by anyone, so discard it.
        Volatile.ReadBarrier();
        ObjectDisposedException.ThrowIf(_disposed, this);
    }

    /// <summary>
    /// Checks and decrypts a whole packet in place, by the suite its flags name (0, 1 or 3). On false the content must not be used:
    /// suite 3 has then overwritten the body. The ID on the wire stays in bytes 0 to 7.
    /// </summary>
    public bool TryOpen(Span<byte> packet)
    {
        if (_disposed || packet.Length is < MinimumPacketSize or > MaximumPacketSize)
        {
            return false;
        }

        bool opened = (CipherSuite)(packet[FlagsOffset] >> 3 & 7) switch
        {
            CipherSuite.Poly1305 => TryOpenSalsa(packet, encrypted: false),
            CipherSuite.Salsa20Poly1305 => TryOpenSalsa(packet, encrypted: true),
            CipherSuite.AesGmacSiv => TryOpenAes(packet),
            _ => false,
        };

        // Dispose may have zeroed the key during the check; anyone can compute a MAC with a zero key, so reject it.
        Volatile.ReadBarrier();
        return opened && !_disposed;
    }

    /// <summary>
    /// Encrypts or decrypts the tail of a HELLO (1.13): before it is armored, after it was opened. Nothing happens when
    /// <paramref name="tailOffset"/> is the packet's end.
    /// </summary>
    public void CryptHelloTail(Span<byte> packet, int tailOffset)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Span<byte> nonce = stackalloc byte[Salsa20.NonceSize];
        packet[..IdSize].CopyTo(nonce);
        nonce[7] &= 0xf8;
        Salsa20.Xor(_key, nonce, 0, PacketRounds, packet[tailOffset..]);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // Set before the first byte changes, so that concurrent users of the keys see it.
        _disposed = true;
        Interlocked.MemoryBarrier();
        CryptographicOperations.ZeroMemory(_key);
        _aes.Dispose();
    }

    private bool TryOpenSalsa(Span<byte> packet, bool encrypted)
    {
        Span<byte> block = stackalloc byte[Salsa20.BlockSize];
        Span<byte> tag = stackalloc byte[Poly1305.TagSize];
        FirstBlock(packet, [], block);
        Poly1305.Tag(block[..Poly1305.KeySize], packet[BodyOffset..], tag);
        CryptographicOperations.ZeroMemory(block);
        if (!CryptographicOperations.FixedTimeEquals(tag[..MacSize], packet.Slice(MacOffset, MacSize)))
        {
            return false;
        }

        if (encrypted)
        {
            Span<byte> key = stackalloc byte[CipherKeySize];
            MangleKey(packet, key);
            Salsa20.Xor(key, packet[..IdSize], 1, PacketRounds, packet[BodyOffset..]);
            CryptographicOperations.ZeroMemory(key);
        }

        return true;
    }

    private bool TryOpenAes(Span<byte> packet)
    {
        Span<byte> block = stackalloc byte[AesGmacSiv.BlockSize];
        Span<byte> counter = stackalloc byte[AesGmacSiv.BlockSize];
        Span<byte> mac = stackalloc byte[MacSize];
        packet[..IdSize].CopyTo(block);
        packet.Slice(MacOffset, MacSize).CopyTo(block[IdSize..]);
        block.CopyTo(counter);
        counter[12] &= 0x7f;
        _aes.Ctr(counter, packet[BodyOffset..]);
        _aes.DecryptBlock(block);
        Gmac(packet, block, mac);
        return CryptographicOperations.FixedTimeEquals(mac, block[IdSize..]);
    }

    // The keystream's first block under the mangled key, and the body XORed with what follows.
    private void FirstBlock(ReadOnlySpan<byte> packet, Span<byte> body, Span<byte> block)
    {
        Span<byte> key = stackalloc byte[CipherKeySize];
        MangleKey(packet, key);
        Salsa20.XorAfterFirstBlock(key, packet[..IdSize], PacketRounds, block, body);
        CryptographicOperations.ZeroMemory(key);
    }

    // 1.9.1: ID, addresses, flags without the hop count, and the packet's size are XORed into the key.
    private void MangleKey(ReadOnlySpan<byte> packet, Span<byte> key)
    {
        _key.CopyTo(key);
        for (int i = 0; i < FlagsOffset; i++)
        {
            key[i] ^= packet[i];
        }

        key[FlagsOffset] ^= (byte)(packet[FlagsOffset] & ~HopsMask);
        key[FlagsOffset + 1] ^= (byte)packet.Length;
        key[FlagsOffset + 2] ^= (byte)(packet.Length >> 8);
    }

    // 1.10.2. The header block is written temporarily over the 16 bytes before the body, so that the data to authenticate is contiguous.
    private void Gmac(Span<byte> packet, ReadOnlySpan<byte> id, Span<byte> mac)
    {
        Debug.Assert(BodyOffset >= AesGmacSiv.BlockSize);
        Span<byte> saved = stackalloc byte[AesGmacSiv.BlockSize];
        Span<byte> tag = stackalloc byte[AesGmacSiv.BlockSize];
        Span<byte> iv = stackalloc byte[AesGmacSiv.IvSize];
        iv.Clear();
        id[..IdSize].CopyTo(iv);
        Span<byte> place = packet.Slice(BodyOffset - AesGmacSiv.BlockSize, AesGmacSiv.BlockSize);
        Span<byte> header = stackalloc byte[AesGmacSiv.BlockSize];
        header.Clear();
        packet.Slice(AddressesOffset, AddressesSize).CopyTo(header);
        header[AddressesSize] = (byte)(packet[FlagsOffset] & ~HopsMask);
        place.CopyTo(saved);
        header.CopyTo(place);
        _aes.Gmac(iv, packet[(BodyOffset - AesGmacSiv.BlockSize)..], tag);
        saved.CopyTo(place);
        ulong folded = BinaryPrimitives.ReadUInt64LittleEndian(tag) ^ BinaryPrimitives.ReadUInt64LittleEndian(tag[8..]);
        BinaryPrimitives.WriteUInt64LittleEndian(mac, folded);
    }
}
