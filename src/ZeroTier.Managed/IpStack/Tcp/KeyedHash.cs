using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>A pseudo-random function of a connection's addresses and ports, with a random secret per instance. Thread-safe.</summary>
internal sealed class KeyedHash
{
    private readonly byte[] _secret = new byte[32];

    public KeyedHash(RandomSource random) => random.Fill(_secret);

    public uint Compute(in ConnectionKey key)
    {
        Span<byte> input = stackalloc byte[36];
        return Compute(input[..key.Write(input)]);
    }

    /// <summary>The hash of a connection and a further number.</summary>
    public uint Compute(in ConnectionKey key, ulong more)
    {
        Span<byte> input = stackalloc byte[36 + sizeof(ulong)];
        int length = key.Write(input);
        BinaryPrimitives.WriteUInt64LittleEndian(input[length..], more);
        return Compute(input[..(length + sizeof(ulong))]);
    }

    private uint Compute(ReadOnlySpan<byte> input)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_secret, input, hash);
        return BinaryPrimitives.ReadUInt32LittleEndian(hash);
    }
}
