using BenchmarkDotNet.Attributes;
using ZeroTier.Managed.Vl1.Packets;

namespace Micro.Crypto;

/// <summary>
/// Armoring (encryption and authentication) of whole packets, alone and followed by opening. Opening is not measured alone because it
/// decrypts the packet in place, so each run needs a newly armored packet.
/// </summary>
[MemoryDiagnoser]
public class ArmorBenchmarks
{
    private readonly SessionKeys _hardware = SessionKeys.FromSessionKey(new byte[48]);
    private readonly SessionKeys _portable = SessionKeys.FromSessionKeyPortable(new byte[48]);
    private byte[] _packet = [];

    [Params(100, 1400)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup() => _packet = new byte[Size];

    [Benchmark]
    public void Suite0Arm() => _hardware.Arm(_packet, CipherSuite.Poly1305);

    [Benchmark]
    public bool Suite0ArmAndOpen()
    {
        _hardware.Arm(_packet, CipherSuite.Poly1305);
        return _hardware.TryOpen(_packet);
    }

    [Benchmark]
    public void Suite1Arm() => _hardware.Arm(_packet, CipherSuite.Salsa20Poly1305);

    [Benchmark]
    public bool Suite1ArmAndOpen()
    {
        _hardware.Arm(_packet, CipherSuite.Salsa20Poly1305);
        return _hardware.TryOpen(_packet);
    }

    [Benchmark]
    public void Suite3Arm() => _hardware.Arm(_packet, CipherSuite.AesGmacSiv);

    [Benchmark]
    public bool Suite3ArmAndOpen()
    {
        _hardware.Arm(_packet, CipherSuite.AesGmacSiv);
        return _hardware.TryOpen(_packet);
    }

    [Benchmark]
    public void Suite3ArmPortable() => _portable.Arm(_packet, CipherSuite.AesGmacSiv);

    [Benchmark]
    public bool Suite3ArmAndOpenPortable()
    {
        _portable.Arm(_packet, CipherSuite.AesGmacSiv);
        return _portable.TryOpen(_packet);
    }
}
