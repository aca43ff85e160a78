using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using ZeroTier.Managed.Crypto;

namespace Micro.Crypto;

/// <summary>The ciphers over the payload of a full packet, with the framework's AES-GCM as the baseline.</summary>
[MemoryDiagnoser]
public class CipherBenchmarks
{
    private readonly byte[] _key = new byte[32];
    private readonly byte[] _nonce = new byte[12];
    private readonly byte[] _block = new byte[16];
    private readonly byte[] _data = new byte[1400];
    private readonly byte[] _tag = new byte[16];
    private readonly byte[] _scratch = new byte[1400];
    private readonly AesGcm _gcm = new(new byte[32], 16);
    private readonly AesGmacSiv _hardware = AesGmacSiv.CreateFromKeys(
        new byte[32], new byte[32], portable: !AesGmacSivHardware.IsSupported);
    private readonly AesGmacSiv _portable = AesGmacSiv.CreateFromKeys(new byte[32], new byte[32], portable: true);
    private readonly byte[] _compressed = [0x1f, 0x41, 1, 0, .. Enumerable.Repeat((byte)255, 5), 100, 0x50, .. "BBBBB"u8];

    [Benchmark(Baseline = true)]
    public void AesGcmOfTheFramework() => _gcm.Encrypt(_nonce, _data, _scratch, _tag);

    [Benchmark]
    public void Salsa20Of12Rounds() => Salsa20.Xor(_key, _nonce.AsSpan(0, 8), 0, 12, _data);

    [Benchmark]
    public void Salsa20Of12RoundsVector128() => Salsa20.Xor(Salsa20Path.Vector128, _key, _nonce.AsSpan(0, 8), 0, 12, _data);

    [Benchmark]
    public void Salsa20Of12RoundsScalar() => Salsa20.Xor(Salsa20Path.Scalar, _key, _nonce.AsSpan(0, 8), 0, 12, _data);

    [Benchmark]
    public void Poly1305Tag() => Poly1305.Tag(_key, _data, _tag);

    [Benchmark]
    public void Gmac() => _hardware.Gmac(_nonce, _data, _tag);

    [Benchmark]
    public void GmacPortable() => _portable.Gmac(_nonce, _data, _tag);

    [Benchmark]
    public void AesCtr() => _hardware.Ctr(_block, _data);

    [Benchmark]
    public void AesCtrPortable() => _portable.Ctr(_block, _data);

    [Benchmark]
    public bool Lz4Decode() => Lz4Block.TryDecode(_compressed, _scratch, out _);
}
