using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// Suite 3 with the framework's classes, for processors without the instructions that <see cref="AesGmacSivHardware"/> needs. These classes
/// are not documented as thread-safe, hence the locks. No other lock is taken under them.
/// </summary>
internal sealed class AesGmacSivPortable : AesGmacSiv
{
    private const int ChunkSize = 512;

    private readonly AesGcm _gmac;
    private readonly ICryptoTransform _encrypt;
    private readonly ICryptoTransform _decrypt;
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(ChunkSize, pinned: true);
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(ChunkSize, pinned: true);
    private readonly Lock _gmacLock = new();
    private readonly Lock _blockLock = new();

    public AesGmacSivPortable(ReadOnlySpan<byte> k0, ReadOnlySpan<byte> k1)
    {
        _gmac = new AesGcm(k0, BlockSize);
        byte[] key = GC.AllocateUninitializedArray<byte>(k1.Length, pinned: true);
        k1.CopyTo(key);
        using var aes = Aes.Create();
#pragma warning disable CA5358 // ECB is only the single block function here; the mode of operation is built on it below.
        aes.Mode = CipherMode.ECB;
#pragma warning restore CA5358
        aes.Padding = PaddingMode.None;
        aes.Key = key;
        _encrypt = aes.CreateEncryptor();
        _decrypt = aes.CreateDecryptor();
        CryptographicOperations.ZeroMemory(key);
    }

    public override void Gmac(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> data, Span<byte> tag)
    {
        lock (_gmacLock)
        {
            _gmac.Encrypt(iv[..IvSize], [], [], tag[..BlockSize], data);
        }
    }

    public override void Ctr(ReadOnlySpan<byte> counterBlock, Span<byte> data)
    {
        uint counter = BinaryPrimitives.ReadUInt32BigEndian(counterBlock[12..]);
        lock (_blockLock)
        {
            while (data.Length > 0)
            {
                int count = Math.Min(ChunkSize, data.Length);
                int size = (count + BlockSize - 1) / BlockSize * BlockSize;
                for (int i = 0; i < size; i += BlockSize)
                {
                    counterBlock[..12].CopyTo(_input.AsSpan(i));
                    BinaryPrimitives.WriteUInt32BigEndian(_input.AsSpan(i + 12), counter++);
                }

                _encrypt.TransformBlock(_input, 0, size, _output, 0);
                Xor(data[..count], _output);
                data = data[count..];
            }
        }
    }

    public override void EncryptBlock(Span<byte> block) => Transform(_encrypt, block);

    public override void DecryptBlock(Span<byte> block) => Transform(_decrypt, block);

    public override void Dispose()
    {
        _gmac.Dispose();
        _encrypt.Dispose();
        _decrypt.Dispose();
        CryptographicOperations.ZeroMemory(_input);
        CryptographicOperations.ZeroMemory(_output);
    }

    private void Transform(ICryptoTransform transform, Span<byte> block)
    {
        lock (_blockLock)
        {
            block[..BlockSize].CopyTo(_input);
            transform.TransformBlock(_input, 0, BlockSize, _output, 0);
            _output.AsSpan(0, BlockSize).CopyTo(block);
        }
    }

    private static void Xor(Span<byte> data, ReadOnlySpan<byte> keystream)
    {
        int i = 0;
        for (; data.Length - i >= Vector<byte>.Count; i += Vector<byte>.Count)
        {
            (new Vector<byte>(data[i..]) ^ new Vector<byte>(keystream[i..])).CopyTo(data[i..]);
        }

        for (; i < data.Length; i++)
        {
            data[i] ^= keystream[i];
        }
    }
}
