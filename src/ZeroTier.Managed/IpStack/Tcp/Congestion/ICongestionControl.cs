namespace ZeroTier.Managed.IpStack.Tcp.Congestion;

/// <summary>
/// How much may be in flight, and how fast it may leave. Told of what happens, asked for the window and the rate. Bytes and ticks of 100 ns
/// throughout. Guarded by the connection's lock.
/// </summary>
internal interface ICongestionControl
{
    int Window { get; }

    /// <summary>Bytes per second at which segments leave; 0 when acknowledgements alone clock them out.</summary>
    long PacingRate { get; }

    /// <summary>The unit of growth. It follows the path's MTU; the window in bytes stays.</summary>
    int SegmentSize { set; }

    bool IsSlowStart { get; }

    /// <summary>An acknowledgement reported data as arrived, after losses that it revealed were told.</summary>
    void OnAcknowledged(in AckSample sample);

    /// <summary>A segment was found lost.</summary>
    /// <param name="length">Its length.</param>
    /// <param name="inFlight">What was on the path when it was sent.</param>
    /// <param name="lost">What was lost since, itself included.</param>
    /// <param name="applicationLimited">Whether the application limited the sender then.</param>
    /// <param name="now">The time.</param>
    void OnSegmentLost(int length, int inFlight, long lost, bool applicationLimited, long now);

    /// <summary>Loss was found by acknowledgements: once per window of data.</summary>
    void OnLoss(int outstanding, long now);

    /// <summary>The retransmission timer ran out.</summary>
    /// <param name="outstanding">Sent and not acknowledged.</param>
    /// <param name="inFlight">Of that, what was sent too lately to count as lost.</param>
    /// <param name="first">False when the same data had timed out before.</param>
    /// <param name="now">The time.</param>
    void OnTimeout(int outstanding, int inFlight, bool first, long now);

    /// <summary>Saves the state before a reaction to loss that may turn out to be spurious.</summary>
    void Save();

    /// <summary>The loss was spurious: the window is at least what it was at <see cref="Save"/>.</summary>
    void Undo();

    /// <summary>Nothing was sent for longer than the retransmission timeout.</summary>
    void OnIdle();
}

/// <summary>What one acknowledgement says about the path.</summary>
internal readonly record struct AckSample
{
    public required long Now { get; init; }

    /// <summary>Cumulatively acknowledged.</summary>
    public required int Acknowledged { get; init; }

    /// <summary>The window, not the application, limited the sender.</summary>
    public required bool Limited { get; init; }

    /// <summary>Losses are being repaired.</summary>
    public required bool Recovering { get; init; }

    /// <summary>As measured with this acknowledgement; -1 for none.</summary>
    public required long RoundTrip { get; init; }

    /// <summary>Up to here.</summary>
    public required uint Acknowledgement { get; init; }

    /// <summary>The next new sequence number.</summary>
    public required uint SendNext { get; init; }

    /// <summary>Newly arrived, cumulatively acknowledged or not.</summary>
    public required int Delivered { get; init; }

    /// <summary>All that has ever arrived.</summary>
    public required long TotalDelivered { get; init; }

    /// <summary>Marked as lost since the last acknowledgement.</summary>
    public required int Lost { get; init; }

    /// <summary>Still on the path.</summary>
    public required int InFlight { get; init; }

    public required RateSample Rate { get; init; }
}
