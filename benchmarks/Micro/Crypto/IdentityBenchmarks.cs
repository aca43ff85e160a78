using BenchmarkDotNet.Attributes;
using ZeroTier.Managed;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl1.Packets;

namespace Micro.Crypto;

/// <summary>Operations that are needed once per node or peer.</summary>
[MemoryDiagnoser]
public class IdentityBenchmarks
{
    private readonly byte[] _key = new byte[64];
    private readonly byte[] _digest = new byte[64];
    private readonly byte[] _message = new byte[200];
    private NodeIdentity _mine = null!;
    private NodeIdentity _peer = null!;
    private byte[] _signature = [];

    [GlobalSetup]
    public void Setup()
    {
        _mine = NodeIdentity.Generate(ZeroTier.Managed.RandomSource.System);
        _peer = NodeIdentity.Generate(ZeroTier.Managed.RandomSource.System);
        _signature = _mine.Sign(_message);
    }

    [Benchmark]
    public void AddressHashCompute() => AddressHash.Compute(_key, _digest);

    [Benchmark]
    public void X25519PublicKey() => X25519.PublicKey(_key, _digest);

    [Benchmark]
    public void Agree() => SessionKeys.Agree(_mine, _peer)!.Dispose();

    [Benchmark]
    public byte[] Sign() => _mine.Sign(_message);

    [Benchmark]
    public bool Verify() => _mine.Verify(_message, _signature);
}
