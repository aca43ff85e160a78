namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// The receive window. Its right edge never moves back, and does not move forward while <see cref="IsPaused"/> is set.
/// </summary>
internal struct ReceiveWindow
{
    private int _size;
    private uint _edge;

    /// <param name="size">In bytes.</param>
    /// <param name="next">The first expected sequence number.</param>
    public ReceiveWindow(int size, uint next)
    {
        _size = size;
        _edge = next + (uint)Math.Min(size, ushort.MaxValue);
    }

    /// <summary>In bytes. It may grow during the connection.</summary>
    public int Size
    {
        readonly get => _size;
        set => _size = Math.Max(_size, value);
    }

    /// <summary>The right edge: the first sequence number that the peer has not yet been allowed to send.</summary>
    public readonly uint Edge => _edge;

    /// <summary>True while the application does not read: the edge stays.</summary>
    public bool IsPaused { get; set; }

    /// <summary>The smallest window scale with which this size fits into 16 bits (RFC 7323, 2.2).</summary>
    public static int ScaleFor(int size)
    {
        int scale = 0;
        while (scale < TcpOption.MaxWindowScale && size >> scale > ushort.MaxValue)
        {
            scale++;
        }

        return scale;
    }

    /// <summary>Moves the right edge as far as possible and returns the window field for the header.</summary>
    /// <param name="next">The first expected sequence number.</param>
    /// <param name="room">Bytes that can be buffered from there on; counts up to the window's size.</param>
    /// <param name="scale">Our window scale.</param>
    /// <param name="segmentSize">Bytes of payload in a full segment.</param>
    public ushort Advertise(uint next, long room, int scale, int segmentSize)
    {
        if (CanOpen(next, room, segmentSize))
        {
            _edge = next + Limit(room);
        }

        // Rounded down by the shift, so that the peer never sees more than the edge allows.
        return (ushort)Math.Min(Math.Max(0, (int)(_edge - next)) >> scale, ushort.MaxValue);
    }

    /// <summary>
    /// True when an advertisement now would move the edge by a worthwhile amount (silly window avoidance, RFC 9293, 3.8.6.2.2).
    /// </summary>
    private readonly bool CanOpen(uint next, long room, int segmentSize) =>
        !IsPaused && (int)(next + Limit(room) - _edge) >= Math.Min(_size / 2, segmentSize);

    /// <summary>
    /// True when a window update should be sent immediately: the edge can advance by at least a quarter of the space that is free.
    /// </summary>
    public readonly bool NeedsUpdate(uint next, long room, int segmentSize) =>
        CanOpen(next, room, segmentSize) && (int)(next + Limit(room) - _edge) >= Limit(room) / 4;

    private readonly uint Limit(long room) => (uint)Math.Clamp(room, 0, _size);
}
