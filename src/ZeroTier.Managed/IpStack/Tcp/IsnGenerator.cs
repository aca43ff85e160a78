namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Initial sequence numbers and timestamp offsets that outsiders cannot predict (RFC 6528, 3; RFC 7323, 5.4). Thread-safe.
/// </summary>
internal sealed class IsnGenerator(RandomSource random)
{
    private readonly KeyedHash _sequence = new(random);
    private readonly KeyedHash _timestamps = new(random);

    /// <summary>ISN = M + F(connection, secret), where M counts every four microseconds.</summary>
    public uint Next(in ConnectionKey key, long now) => (uint)(now / 40) + _sequence.Compute(key);

    /// <summary>
    /// Constant for one pair of addresses and ports, so that a later connection has higher timestamps than an earlier one (RFC 6191).
    /// </summary>
    public uint TimestampOffset(in ConnectionKey key) => _timestamps.Compute(key);
}
