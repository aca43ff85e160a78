namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// A congestion control algorithm: it receives the events of a connection and gives the congestion window and the pacing rate. Bytes and
/// ticks of 100 ns throughout. Guarded by the connection's lock.
/// </summary>
internal interface ICongestionControl
{
    int Window { get; }

    /// <summary>Pacing rate in bytes per second; 0 for no pacing: sending is clocked by acknowledgements alone.</summary>
    long PacingRate { get; }

    /// <summary>Segment size in bytes. It follows the path MTU; the window in bytes does not change with it.</summary>
    int SegmentSize { set; }

    bool IsSlowStart { get; }

    /// <summary>An acknowledgement arrived. Called after the methods that report losses it revealed.</summary>
    void OnAcknowledged(in AckSample sample);

    /// <summary>A segment was marked as lost.</summary>
    /// <param name="length">Its length.</param>
    /// <param name="inFlight">Bytes in flight when it was sent.</param>
    /// <param name="lost">Bytes marked as lost since it was sent, its own included.</param>
    /// <param name="applicationLimited">Whether the application limited the sender when it was sent.</param>
    /// <param name="now">The time.</param>
    void OnSegmentLost(int length, int inFlight, long lost, bool applicationLimited, long now);

    /// <summary>Loss was detected by acknowledgements. Called once per window of data, with the sequence numbers outstanding.</summary>
    void OnLoss(int outstanding, long now);

    /// <summary>The retransmission timer ran out.</summary>
    /// <param name="outstanding">Sequence numbers sent and not cumulatively acknowledged.</param>
    /// <param name="inFlight">Of these, the ones sent too recently to count as lost.</param>
    /// <param name="first">False when the same data had timed out before.</param>
    /// <param name="now">The time.</param>
    void OnTimeout(int outstanding, int inFlight, bool first, long now);

    /// <summary>Saves the state before a reaction to loss that may turn out to be spurious.</summary>
    void Save();

    /// <summary>The loss was spurious: the window becomes at least what it was at <see cref="Save"/>.</summary>
    void Undo();

    /// <summary>Nothing was sent for longer than the retransmission timeout.</summary>
    void OnIdle();
}

/// <summary>The information of one acknowledgement.</summary>
internal readonly record struct AckSample
{
    public required long Now { get; init; }

    /// <summary>Bytes newly acknowledged cumulatively.</summary>
    public required int Acknowledged { get; init; }

    /// <summary>The window, not the application, limited the sender.</summary>
    public required bool Limited { get; init; }

    /// <summary>Loss recovery is in progress.</summary>
    public required bool Recovering { get; init; }

    /// <summary>The round-trip time measured by this acknowledgement; -1 for none.</summary>
    public required long RoundTrip { get; init; }

    /// <summary>The acknowledgement number.</summary>
    public required uint Acknowledgement { get; init; }

    /// <summary>The next new sequence number.</summary>
    public required uint SendNext { get; init; }

    /// <summary>Bytes newly acknowledged, cumulatively or selectively.</summary>
    public required int Delivered { get; init; }

    /// <summary>All bytes acknowledged so far, cumulatively or selectively.</summary>
    public required long TotalDelivered { get; init; }

    /// <summary>Bytes marked as lost since the last acknowledgement.</summary>
    public required int Lost { get; init; }

    /// <summary>Bytes still in flight.</summary>
    public required int InFlight { get; init; }

    public required RateSample Rate { get; init; }
}
