namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Counters of one layer. Thread-safe.</summary>
internal sealed class TcpStatistics
{
    // Reasons for which segments and connections were dropped or refused. The names are part of the public statistics and must not change.
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

    private readonly StripedCounters _counters = new(Enum.GetValues<TcpCounter>().Length);

    public long this[TcpCounter counter] => _counters[(int)counter];

    public void Add(TcpCounter counter, long amount = 1) => _counters.Add((int)counter, amount);

    /// <summary>Adds the count of each reason in <see cref="Drops"/> that is not zero to the table.</summary>
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

/// <summary>The events that are counted.</summary>
internal enum TcpCounter
{
    SegmentsReceived,
    SegmentsSent,
    BytesReceived,
    BytesSent,

    /// <summary>Segments retransmitted.</summary>
    Retransmissions,

    /// <summary>Expirations of the retransmission timer.</summary>
    RetransmissionTimeouts,

    /// <summary>Fast recoveries: loss detected by acknowledgements.</summary>
    FastRecoveries,

    /// <summary>D-SACK blocks received, in which peers report data that they received twice.</summary>
    SpuriousRetransmissions,

    /// <summary>Spurious recoveries, after which the congestion window was restored.</summary>
    RecoveriesUndone,

    ConnectionsOpened,
    ConnectionsAccepted,
    ConnectionsFailed,
    ResetsReceived,
    ResetsSent,

    /// <summary>Segments with a truncated or invalid header or address.</summary>
    MalformedSegments,
    ChecksumErrors,

    /// <summary>Segments for which there is neither connection nor listener.</summary>
    UnknownSegments,

    /// <summary>Segments of a connection from another link address than its own.</summary>
    WrongSender,

    /// <summary>SYNs dropped because a backlog or the connection table was full.</summary>
    SynDropped,

    /// <summary>SYNs answered with SYN cookies, because a limit of half-open connections was reached.</summary>
    SynCookiesSent,

    /// <summary>Connections that were reset because their listener closed before they were accepted.</summary>
    NeverAccepted,

    /// <summary>SYNs and data dropped because the memory budget of all connections was exhausted.</summary>
    MemoryRefused,

    ChallengeAcks,
    OutOfOrderSegments,

    /// <summary>Segments dropped because they lay outside the window or a limit of the reassembly queue was reached.</summary>
    OutOfWindowSegments,
    PawsDropped,
    ZeroWindowProbes,
    KeepAliveProbes,

    /// <summary>Connections ended by an unexpected exception in the stack or the link.</summary>
    UnexpectedErrors,
}
