using System.Buffers.Binary;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace ZeroTier.Managed.Crypto;

/// <summary>
/// The Salsa20 stream cipher with 256-bit keys (docs/protocol/1-identity-and-crypto.md 1.7), with several blocks at a time on processors
/// with vector instructions.
/// </summary>
/// <remarks>
/// The methods that make blocks are fully optimized by their first compilation. A node verifies its address when it starts, which takes
/// 20,000 calls of them (<see cref="Identity.AddressHash"/>), and the runtime's tiers would give them slow code until the start is over.
/// </remarks>
internal static partial class Salsa20
{
    public const int KeySize = 32;
    public const int NonceSize = 8;
    public const int BlockSize = 64;

    // The bytes of eight blocks, the widest step.
    private const int MaxStep = 8 * BlockSize;

    /// <summary>The widest implementation for this processor. Chosen once; tests can use the others.</summary>
    internal static readonly Salsa20Path BestPath =
        Avx2.IsSupported ? Salsa20Path.Vector256
            : Sse2.IsSupported || AdvSimd.Arm64.IsSupported ? Salsa20Path.Vector128
            : Salsa20Path.Scalar;

    /// <summary>XORs the keystream from block <paramref name="startBlock"/> on into <paramref name="data"/>.</summary>
    public static void Xor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong startBlock, int rounds, Span<byte> data) =>
        Xor(BestPath, key, nonce, startBlock, rounds, data);

    internal static void Xor(
        Salsa20Path path, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong startBlock, int rounds, Span<byte> data)
    {
        Span<uint> state = stackalloc uint[16];
        LoadState(state, key, nonce);
        Xor(path, state, startBlock, rounds, data);
        state.Clear();
    }

    /// <summary>
    /// Writes block 0 of the keystream to <paramref name="firstBlock"/> (64 bytes), and XORs the keystream from block 1 on into
    /// <paramref name="data"/>: both that a packet needs, in one pass.
    /// </summary>
    public static void XorAfterFirstBlock(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, int rounds, Span<byte> firstBlock, Span<byte> data) =>
        XorAfterFirstBlock(BestPath, key, nonce, rounds, firstBlock, data);

    [SkipLocalsInit]
    internal static void XorAfterFirstBlock(
        Salsa20Path path, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, int rounds, Span<byte> firstBlock, Span<byte> data)
    {
        Span<uint> state = stackalloc uint[16];
        LoadState(state, key, nonce);

        // As many blocks as one step of the implementation computes anyway.
        Span<byte> head = stackalloc byte[MaxStep];
        head = head[..StepOf(path)];
        head.Clear();
        XorStep(path, state, 0, rounds, head);
        head[..BlockSize].CopyTo(firstBlock);
        int count = Math.Min(data.Length, head.Length - BlockSize);
        XorBytes(data[..count], head[BlockSize..]);
        if (data.Length > count)
        {
            Xor(path, state, (uint)(head.Length / BlockSize), rounds, data[count..]);
        }

        CryptographicOperations.ZeroMemory(head);
        state.Clear();
    }

    // Whole steps in place. The rest by way of a zeroed buffer, because a step always computes all its blocks.
    [SkipLocalsInit]
    private static void Xor(Salsa20Path path, Span<uint> state, ulong block, int rounds, Span<byte> data)
    {
        Debug.Assert(rounds is 12 or 20);
        int step = StepOf(path);
        while (data.Length >= step)
        {
            XorStep(path, state, block, rounds, data);
            block += (uint)(step / BlockSize);
            data = data[step..];
        }

        if (data.Length > 0)
        {
            Span<byte> last = stackalloc byte[MaxStep];
            last = last[..step];
            last.Clear();
            XorStep(path, state, block, rounds, last);
            XorBytes(data, last);
            CryptographicOperations.ZeroMemory(last);
        }
    }

    private static int StepOf(Salsa20Path path) => path switch
    {
        Salsa20Path.Vector256 => 8 * BlockSize,
        Salsa20Path.Vector128 => 4 * BlockSize,
        _ => BlockSize,
    };

    // Data has at least the bytes of a step.
    private static void XorStep(Salsa20Path path, ReadOnlySpan<uint> state, ulong block, int rounds, Span<byte> data)
    {
        if (path == Salsa20Path.Vector256)
        {
            XorEightBlocks(state, block, rounds, ref data[0]);
        }
        else if (path == Salsa20Path.Vector128)
        {
            XorFourBlocks(state, block, rounds, ref data[0]);
        }
        else
        {
            Span<byte> keystream = stackalloc byte[BlockSize];
            MakeBlock(state, block, rounds, keystream);
            XorBytes(data[..BlockSize], keystream);
            CryptographicOperations.ZeroMemory(keystream);
        }
    }

    private static void LoadState(Span<uint> state, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        state[0] = 0x61707865;
        state[5] = 0x3320646e;
        state[10] = 0x79622d32;
        state[15] = 0x6b206574;
        for (int i = 0; i < 4; i++)
        {
            state[1 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(4 * i)..]);
            state[11 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(16 + 4 * i)..]);
        }

        state[6] = BinaryPrimitives.ReadUInt32LittleEndian(nonce);
        state[7] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[4..]);
        state[8] = 0;
        state[9] = 0;
    }

    private static void XorBytes(Span<byte> data, ReadOnlySpan<byte> keystream)
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MakeBlock(ReadOnlySpan<uint> state, ulong block, int rounds, Span<byte> keystream)
    {
        uint x0 = state[0], x1 = state[1], x2 = state[2], x3 = state[3], x4 = state[4], x5 = state[5], x6 = state[6], x7 = state[7];
        uint x8 = (uint)block, x9 = (uint)(block >> 32), x10 = state[10], x11 = state[11], x12 = state[12], x13 = state[13],
            x14 = state[14], x15 = state[15];
        for (int i = 0; i < rounds; i += 2)
        {
            x4 ^= BitOperations.RotateLeft(x0 + x12, 7);
            x9 ^= BitOperations.RotateLeft(x5 + x1, 7);
            x14 ^= BitOperations.RotateLeft(x10 + x6, 7);
            x3 ^= BitOperations.RotateLeft(x15 + x11, 7);
            x8 ^= BitOperations.RotateLeft(x4 + x0, 9);
            x13 ^= BitOperations.RotateLeft(x9 + x5, 9);
            x2 ^= BitOperations.RotateLeft(x14 + x10, 9);
            x7 ^= BitOperations.RotateLeft(x3 + x15, 9);
            x12 ^= BitOperations.RotateLeft(x8 + x4, 13);
            x1 ^= BitOperations.RotateLeft(x13 + x9, 13);
            x6 ^= BitOperations.RotateLeft(x2 + x14, 13);
            x11 ^= BitOperations.RotateLeft(x7 + x3, 13);
            x0 ^= BitOperations.RotateLeft(x12 + x8, 18);
            x5 ^= BitOperations.RotateLeft(x1 + x13, 18);
            x10 ^= BitOperations.RotateLeft(x6 + x2, 18);
            x15 ^= BitOperations.RotateLeft(x11 + x7, 18);
            x1 ^= BitOperations.RotateLeft(x0 + x3, 7);
            x6 ^= BitOperations.RotateLeft(x5 + x4, 7);
            x11 ^= BitOperations.RotateLeft(x10 + x9, 7);
            x12 ^= BitOperations.RotateLeft(x15 + x14, 7);
            x2 ^= BitOperations.RotateLeft(x1 + x0, 9);
            x7 ^= BitOperations.RotateLeft(x6 + x5, 9);
            x8 ^= BitOperations.RotateLeft(x11 + x10, 9);
            x13 ^= BitOperations.RotateLeft(x12 + x15, 9);
            x3 ^= BitOperations.RotateLeft(x2 + x1, 13);
            x4 ^= BitOperations.RotateLeft(x7 + x6, 13);
            x9 ^= BitOperations.RotateLeft(x8 + x11, 13);
            x14 ^= BitOperations.RotateLeft(x13 + x12, 13);
            x0 ^= BitOperations.RotateLeft(x3 + x2, 18);
            x5 ^= BitOperations.RotateLeft(x4 + x7, 18);
            x10 ^= BitOperations.RotateLeft(x9 + x8, 18);
            x15 ^= BitOperations.RotateLeft(x14 + x13, 18);
        }

        Store(keystream, 0, x0 + state[0]);
        Store(keystream, 1, x1 + state[1]);
        Store(keystream, 2, x2 + state[2]);
        Store(keystream, 3, x3 + state[3]);
        Store(keystream, 4, x4 + state[4]);
        Store(keystream, 5, x5 + state[5]);
        Store(keystream, 6, x6 + state[6]);
        Store(keystream, 7, x7 + state[7]);
        Store(keystream, 8, x8 + (uint)block);
        Store(keystream, 9, x9 + (uint)(block >> 32));
        Store(keystream, 10, x10 + state[10]);
        Store(keystream, 11, x11 + state[11]);
        Store(keystream, 12, x12 + state[12]);
        Store(keystream, 13, x13 + state[13]);
        Store(keystream, 14, x14 + state[14]);
        Store(keystream, 15, x15 + state[15]);
    }

    private static void Store(Span<byte> keystream, int word, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[(4 * word)..], value);
}
