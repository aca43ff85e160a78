using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>
/// A token bucket for each address prefix of newcomers: IPv4 /24 or IPv6 /48. Prefixes are hashed to a table of fixed size; a secret in the
/// hash prevents an attacker from choosing whose bucket it shares.
/// </summary>
internal sealed class PrefixLimits
{
    private const int Buckets = 1 << 10;
    private readonly TokenBucket[] _buckets = new TokenBucket[Buckets];
    private readonly ulong _secret;

    public PrefixLimits(RandomSource random)
    {
        Span<byte> secret = stackalloc byte[8];
        random.Fill(secret);
        _secret = BinaryPrimitives.ReadUInt64LittleEndian(secret);
    }

    /// <summary>Takes a token of the source's prefix.</summary>
    /// <param name="source">The newcomer's endpoint.</param>
    /// <param name="byPort">On loopback all nodes share one address, so each port counts as a prefix.</param>
    /// <param name="now">The time.</param>
    public bool TryTake(in InetEndPoint source, bool byPort, long now)
    {
        Span<byte> bytes = stackalloc byte[16];
        int length = source.WriteAddress(bytes);
        ulong prefix = length == 4
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes) >> 8
            : 1UL << 48 | BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16;
        ulong key = (byPort ? prefix ^ (ulong)source.Port << 49 : prefix) ^ _secret;

        // The finalizer of SplitMix64: every bit of the key reaches the bits that choose the bucket.
        key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9;
        key = (key ^ key >> 27) * 0x94d049bb133111eb;
        return _buckets[(int)((key ^ key >> 31) & (Buckets - 1))].TryTake(Vl1Limits.NewcomersPerPrefix, now);
    }
}
