namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Counters of one layer. Written with interlocked additions, read without a lock.</summary>
internal sealed class TcpStatistics
{
    // Segments and connections that were refused, or of which nothing was kept. The names are part of the public statistics: they never
    // change.
    private static readonly (TcpCounter Counter, string Name)[] Drops =
    [
        (TcpCounter.MalformedSegments, "tcp.malformed"),
        (TcpCounter.ChecksumErrors, "tcp.checksum"),
        (TcpCounter.UnknownSegments, "tcp.unknown"),
        (TcpCounter.WrongSender, "tcp.sender"),
        (TcpCounter.SynDropped, "tcp.backlog"),
        (TcpCounter.SynCookiesSent, "tcp.half-open"),
        (TcpCounter.NeverAccepted, "tcp.unaccepted"),
        (TcpCounter.MemoryRefused, "tcp.memory"),
        (TcpCounter.OutOfWindowSegments, "tcp.window"),
        (TcpCounter.PawsDropped, "tcp.paws"),
    ];

    private readonly long[] _counters = new long[Enum.GetValues<TcpCounter>().Length];

    public long this[TcpCounter counter] => Volatile.Read(ref _counters[(int)counter]);

    public void Add(TcpCounter counter, long amount = 1) => Interlocked.Add(ref _counters[(int)counter], amount);

    /// <summary>Adds each reason to drop something that is not zero to the table.</summary>
    public void AddDropped(IDictionary<string, long> table)
    {
        foreach ((TcpCounter counter, string name) in Drops)
        {
            if (this[counter] is var count and not 0)
            {
                table.TryGetValue(name, out long before);
                table[name] = before + count;
            }
        }
    }
}

/// <summary>What is counted.</summary>
internal enum TcpCounter
{
    SegmentsReceived,
    SegmentsSent,
    BytesReceived,
    BytesSent,

    /// <summary>Segments sent again.</summary>
    Retransmissions,

    /// <summary>Retransmission timers that ran out.</summary>
    RetransmissionTimeouts,

    /// <summary>Times that loss was found by acknowledgements alone.</summary>
    FastRecoveries,

    /// <summary>Blocks in which peers reported data that they had twice.</summary>
    SpuriousRetransmissions,

    /// <summary>Spurious recoveries, after which the congestion window was restored.</summary>
    RecoveriesUndone,

    ConnectionsOpened,
    ConnectionsAccepted,
    ConnectionsFailed,
    ResetsReceived,
    ResetsSent,

    /// <summary>Truncated, inconsistent or impossible headers.</summary>
    MalformedSegments,
    ChecksumErrors,

    /// <summary>Segments for which there is neither connection nor listener.</summary>
    UnknownSegments,

    /// <summary>Segments of a connection from another link address than its own.</summary>
    WrongSender,

    /// <summary>SYNs dropped because a backlog or the connection table was full.</summary>
    SynDropped,

    /// <summary>SYNs answered without state, because a listener had as many half-open connections as it may have.</summary>
    SynCookiesSent,

    /// <summary>Connections that were reset because their listener closed before they were accepted.</summary>
    NeverAccepted,

    /// <summary>SYNs and data dropped because the memory for the buffers of all connections was used up.</summary>
    MemoryRefused,

    ChallengeAcks,
    OutOfOrderSegments,

    /// <summary>Data dropped because it lay outside the window or a bound was reached.</summary>
    OutOfWindowSegments,
    PawsDropped,
    ZeroWindowProbes,
    KeepAliveProbes,

    /// <summary>Connections that were ended by an exception which nothing of the application explains.</summary>
    UnexpectedErrors,
}
