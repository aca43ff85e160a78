namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>Random packet IDs, drawn in blocks: one call to the random source, which costs a microsecond, for many packets.</summary>
/// <remarks>Not thread-safe: each batch has its own, that of the control plane is guarded by the control lock.</remarks>
internal sealed class PacketIds(RandomSource random)
{
    private const int IdSize = 8;
    private const int BlockSize = 64;
    private readonly byte[] _ids = new byte[BlockSize * IdSize];
    private int _used = BlockSize * IdSize;

    /// <summary>The next ID; valid until the next call.</summary>
    public ReadOnlySpan<byte> Next()
    {
        if (_used == _ids.Length)
        {
            random.Fill(_ids);
            _used = 0;
        }

        _used += IdSize;
        return _ids.AsSpan(_used - IdSize, IdSize);
    }
}
