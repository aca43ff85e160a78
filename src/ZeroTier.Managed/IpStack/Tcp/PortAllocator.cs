namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Ephemeral ports by the double-hash algorithm (RFC 6056, 3.3.4): hard to guess, slow to repeat for one destination. Thread-safe.
/// </summary>
internal sealed class PortAllocator
{
    /// <summary>
    /// RFC 6056, 3.2 asks for a range as large as possible. It begins where Linux's does and has twice the size of the dynamic range of
    /// RFC 6335. The size also limits how many connections to one port of one peer can be open or in TIME-WAIT.
    /// </summary>
    public const int First = 32768;
    public const int Count = 65536 - First;

    private readonly KeyedHash _offset;
    private readonly KeyedHash _slot;
    private readonly RandomSource _random;
    private readonly int[] _next = new int[64];

    public PortAllocator(RandomSource random)
    {
        _random = random;
        _offset = new KeyedHash(random);
        _slot = new KeyedHash(random);
        for (int i = 0; i < _next.Length; i++)
        {
            _next[i] = random.Next(Count);
        }
    }

    /// <summary>A local port for a connection to this destination; 0 when all are taken.</summary>
    public int ForConnection(in IpAddress local, in IpAddress remote, int remotePort, Func<int, bool> isFree)
    {
        var key = new ConnectionKey(local, remote, 0, (ushort)remotePort);
        uint offset = _offset.Compute(key);
        ref int next = ref _next[_slot.Compute(key) % (uint)_next.Length];
        for (int i = 0; i < Count; i++)
        {
            int port = First + (int)((offset + (uint)Interlocked.Increment(ref next)) % Count);
            if (isFree(port))
            {
                return port;
            }
        }

        return 0;
    }

    /// <summary>A port to listen on; 0 when all are taken.</summary>
    public int ForListener(Func<int, bool> isFree)
    {
        int start = _random.Next(Count);
        for (int i = 0; i < Count; i++)
        {
            int port = First + (start + i) % Count;
            if (isFree(port))
            {
                return port;
            }
        }

        return 0;
    }
}
