using System.Buffers;

namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpConnection
{
    private const int ReceiveReserve = 128 * 1024;

    // What was lost comes a round trip later, or two when it is lost again. Where one segment in twenty is lost, one of ten thousand is
    // lost three times in a row; meanwhile new data shall go on.
    private const int WindowFactorWithGaps = 4;

    // RFC 1122, 4.2.3.2: below 500 ms.
    private const long AcknowledgementDelay = 40 * TimeSpan.TicksPerMillisecond;

    private ReceiveWindow _window;
    private uint _receiveNext;
    private uint _delivered;
    private uint? _finAt;
    private uint _lastAcknowledged;
    private Paws _paws;
    private int _unacknowledgedBytes;

    // The longest segment among those not acknowledged yet, or the least that counts as a full one: segments that are shorter are
    // acknowledged together.
    private int _largestUnacknowledged;
    private int _duplicatesDue;
    private bool _acknowledgeNow;
    private long _lastHeardAt;
    private ChallengeLimiter _challenges;
    private DuplicateSackBlocks _duplicateSacks;
    private ReceiveWindowTuning _tuning;

    /// <summary>Processes a received segment (RFC 9293, 3.10.7).</summary>
    /// <param name="segment">Its header.</param>
    /// <param name="payload">Its data.</param>
    /// <param name="input">The input pipe, for in-order data; null while another thread uses it: the data is queued then.</param>
    /// <param name="now">The time.</param>
    public void OnSegment(in TcpSegment segment, ReadOnlySpan<byte> payload, IBufferWriter<byte>? input, long now)
    {
        now = _clock = Math.Max(_clock, now);
        switch (State)
        {
            case TcpState.Closed:
            case TcpState.TimeWait:
                return;
            case TcpState.SynSent:
                OnSegmentInSynSent(segment, now);
                return;
            case TcpState.SynReceived
                when segment.Has(TcpFlags.Syn) && !segment.Has(TcpFlags.Ack | TcpFlags.Rst) && segment.Sequence == _initialReceive:
                // A retransmitted SYN: our SYN-ACK was lost or delayed. Once it is sent again, an ACK cannot be attributed to one of the
                // two, so no round trip is measured (RFC 6298, 3).
                _synDue = true;
                _synAnsweredAgain = true;
                return;
        }

        if (!IsAcceptable(segment, now) || !IsPermitted(segment, now))
        {
            return;
        }

        _lastHeardAt = now;
        _probesUnanswered = 0;
        _probedSince = Never;
        _hastened = false;
        if (!OnAcknowledgement(segment, now) || State is TcpState.Closed or TcpState.TimeWait)
        {
            return;
        }

        // RFC 9293, 3.10.7.4, seventh and eighth: data and FIN are processed in these states only.
        if (State is TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2 && segment.SequenceLength > 0)
        {
            OnText(segment, payload, input, now);
        }
    }

    /// <summary>Moves in-order data from the reassembly queue to the input pipe, which was busy when it arrived.</summary>
    /// <returns>The number of bytes moved.</returns>
    public int Deliver(IBufferWriter<byte> input)
    {
        int total = 0;
        while (HasUndelivered && !_reassembly.IsEmpty)
        {
            int count = _reassembly.Drain(_delivered, input);
            _delivered += (uint)count;
            total += count;
        }

        return total;
    }

    /// <summary>The application no longer reads: from here on data is acknowledged and discarded.</summary>
    public void DiscardInput()
    {
        DiscardsInput = true;
        while (HasUndelivered && !_reassembly.IsEmpty)
        {
            _delivered += (uint)_reassembly.Drain(_delivered, null);
        }

        Resume();
    }

    private int MaxReceiveWindow => Math.Max(_options.ReceiveWindow, _options.MaxReceiveWindow);

    // The bytes that may still be received: the pipe's pause threshold less unread bytes, plus a reserve. The reserve keeps the window open
    // until the pipe really pauses, since only a pipe that has paused reports when it has been read. It also keeps it open for a reader
    // that waits for more than the threshold at once, with which the pipe never pauses.
    private long ReceiveRoom
    {
        get
        {
            long limit = _options.Input.PauseWriterThreshold;
            long room = limit == 0 || DiscardsInput
                ? long.MaxValue
                : Math.Max(0, limit - (Unread?.Held ?? 0)) + ReceiveReserve + _window.Size - _options.ReceiveWindow;
            return _environment.Budget.IsExhausted ? Math.Min(room, BufferBudget.Minimum) : room;
        }
    }

    /// <summary>The input pipe has paused: the window's right edge stays where it is.</summary>
    public void Pause() => _window.IsPaused = true;

    /// <summary>The input pipe has resumed: the window opens, and an update is sent where it is worthwhile.</summary>
    public void Resume()
    {
        _window.IsPaused = false;
        _acknowledgeNow |= IsEstablished && State != TcpState.Closed && _window.NeedsUpdate(_receiveNext, ReceiveRoom, _segmentSize);
    }

    // RFC 9293, 3.10.7.4, first: whether the segment is in the window and, by its timestamp, not an old duplicate.
    private bool IsAcceptable(in TcpSegment segment, long now)
    {
        bool reset = segment.Has(TcpFlags.Rst);
        if (_timestampsOn && !reset)
        {
            // RFC 7323, 3.2: once timestamps are negotiated, a segment without them is dropped.
            if (!segment.HasTimestamps)
            {
                return false;
            }

            if (_paws.IsOld(segment.TimestampValue, Moved, now))
            {
                _environment.Statistics.Add(TcpCounter.PawsDropped);
                AnswerUnacceptable(segment, now);
                return false;
            }
        }

        uint length = segment.SequenceLength;
        uint end = segment.Sequence + length;
        bool inWindow = length == 0
            // RFC 9293's test, but the window's edge itself is accepted: a peer that has filled the window acknowledges from there.
            ? !Sequence.IsBefore(segment.Sequence, _receiveNext) && !Sequence.IsAfter(segment.Sequence, _window.Edge)
            : Sequence.IsAfter(end, _receiveNext) && Sequence.IsBefore(segment.Sequence, _window.Edge)
                // With a closed window a segment at the expected number is processed for its acknowledgement and for a FIN without data.
                || segment.Sequence == _receiveNext && _window.Edge == _receiveNext;
        if (!inWindow)
        {
            if (length == 0 && !reset && segment.Sequence == _receiveNext - 1)
            {
                // The peer's keep-alive probe (RFC 9293, 3.8.4): it lives, and wants an answer.
                _lastHeardAt = now;
            }
            else
            {
                _environment.Statistics.Add(TcpCounter.OutOfWindowSegments);
            }

            if (!reset)
            {
                AnswerUnacceptable(segment, now);
            }

            return false;
        }

        // RFC 7323, 4.3: which timestamp is echoed.
        if (_timestampsOn && !reset && !Sequence.IsAfter(segment.Sequence, _lastAcknowledged))
        {
            _paws.Take(segment.TimestampValue, now);
        }

        return true;
    }

    // Unacceptable segments with data are always acknowledged, since the peer may lack our acknowledgement. Those without data only at a
    // limited rate, or two ends could answer each other forever.
    private void AnswerUnacceptable(in TcpSegment segment, long now)
    {
        if (segment.PayloadLength > 0 || _challenges.TryTake(now))
        {
            _acknowledgeNow = true;
        }

        uint end = segment.Sequence + (uint)segment.PayloadLength;
        if (_sackOn && segment.PayloadLength > 0 && !Sequence.IsAfter(end, _receiveNext))
        {
            _duplicateSacks.Add(new SackBlock(segment.Sequence, end));
        }
    }

    // RFC 9293, 3.10.7.4, second to fifth: RST and SYN with the checks of RFC 5961; a segment without ACK is dropped.
    private bool IsPermitted(in TcpSegment segment, long now)
    {
        if (segment.Has(TcpFlags.Rst))
        {
            // RFC 5961, 3.2: only an RST with exactly the next expected sequence number resets.
            if (segment.Sequence == _receiveNext)
            {
                IsResetReceived = true;
                End(State == TcpState.SynReceived || State is TcpState.LastAck or TcpState.Closing && IsFinReceived
                    ? new TcpException(TcpError.ConnectionReset, "The other end reset the connection while it was opening or closing.")
                    : new TcpException(TcpError.ConnectionReset, "The other end reset the connection."));
            }
            else
            {
                Challenge(now);
            }

            return false;
        }

        // RFC 5961, 4.2: a SYN in a synchronised state is only answered with a challenge ACK.
        if (segment.Has(TcpFlags.Syn))
        {
            Challenge(now);
            return false;
        }

        return segment.Has(TcpFlags.Ack);
    }

    private void Challenge(long now)
    {
        // RFC 5961, 7. The limit is per connection: a shared one would reveal to an attacker what happens on other connections.
        if (_challenges.TryTake(now))
        {
            _environment.Statistics.Add(TcpCounter.ChallengeAcks);
            _acknowledgeNow = true;
        }
    }

    private void OnText(in TcpSegment segment, ReadOnlySpan<byte> payload, IBufferWriter<byte>? input, long now)
    {
        uint start = segment.Sequence;
        uint end = start + (uint)payload.Length;
        if (segment.Has(TcpFlags.Fin) && _finAt is null && !Sequence.IsBefore(end, _receiveNext) && !Sequence.IsAfter(end, _window.Edge))
        {
            _finAt = end;
        }

        // Data beyond the window or beyond the FIN is cut off, and acknowledged immediately.
        uint limit = _finAt is { } fin ? Sequence.Min(fin, _window.Edge) : _window.Edge;
        if (Sequence.IsAfter(end, limit))
        {
            payload = payload[..Math.Max(0, payload.Length - (int)(end - limit))];
            _acknowledgeNow = true;
        }

        if (Sequence.IsBefore(start, _receiveNext))
        {
            // The beginning was received before: report it as D-SACK and acknowledge at once, since the peer may lack our acknowledgement.
            if (_sackOn && payload.Length > 0)
            {
                _duplicateSacks.Add(new SackBlock(start, Sequence.Min(end, _receiveNext)));
            }

            payload = payload[Math.Min(payload.Length, (int)(_receiveNext - start))..];
            start = _receiveNext;
            _acknowledgeNow = true;
        }

        if (payload.Length > 0)
        {
            _largestUnacknowledged = Math.Max(_largestUnacknowledged, payload.Length);
            if (_timestampsOn)
            {
                // The echoed timestamp is of a segment of ours that had arrived when this one was sent (RFC 7323, 4.1).
                _tuning.Sample((TimestampClock(now) - segment.TimestampEcho) * TimeSpan.TicksPerMillisecond, now);
            }

            if (start == _receiveNext)
            {
                OnInOrderData(payload, input, now);
            }
            else
            {
                OnOutOfOrderData(start, payload, now);
            }
        }
        else if (_finAt is { } at && at != _receiveNext)
        {
            _acknowledgeNow = true;
        }

        if (_finAt == _receiveNext)
        {
            OnFin();
        }
    }

    private void OnInOrderData(ReadOnlySpan<byte> payload, IBufferWriter<byte>? input, long now)
    {
        if (!DiscardsInput && (Unread?.Held ?? 0) + _reassembly.Held >= BufferBudget.Minimum && _environment.Budget.IsExhausted)
        {
            // Not acknowledged: the peer retransmits with back-off until this connection, or another, has released memory.
            _environment.Statistics.Add(TcpCounter.MemoryRefused);
            return;
        }

        uint before = _receiveNext;
        bool closesGap = !_reassembly.IsEmpty;
        if (DiscardsInput)
        {
            _receiveNext += (uint)payload.Length;
            SkipQueued();
        }
        else if (input is not null && !HasUndelivered
            && (_reassembly.IsEmpty || !Sequence.IsBefore(_reassembly.Start, _receiveNext + (uint)payload.Length)))
        {
            // The usual case: the only copy of received data.
            input.Write(payload);
            _receiveNext = _reassembly.ContiguousEnd(_receiveNext + (uint)payload.Length);
            _delivered += (uint)payload.Length;
        }
        else
        {
            if (!_reassembly.Insert(_receiveNext, payload, _delivered, MaxReceiveWindow))
            {
                _environment.Statistics.Add(TcpCounter.OutOfWindowSegments);
            }

            _receiveNext = _reassembly.ContiguousEnd(_receiveNext);
        }

        if (input is not null && HasUndelivered)
        {
            Deliver(input);
        }

        int count = (int)(_receiveNext - before);
        TuneWindow(now);
        _environment.Statistics.Add(TcpCounter.BytesReceived, count);
        _unacknowledgedBytes += count;

        // RFC 5681, 4.2: immediately for every second segment and when a gap closes; one acknowledgement is sent per batch. A short second
        // segment counts too: it usually ends a message, and with a delayed acknowledgement the sender would send a tail loss probe.
        if (closesGap || _unacknowledgedBytes > _largestUnacknowledged)
        {
            _acknowledgeNow = true;
        }
        else if (_acknowledgeAt == Never)
        {
            _acknowledgeAt = now + AcknowledgementDelay;
        }
    }

    private int LeastFullSegment => Math.Min(DefaultSegmentSize, _segmentSize);

    // The window grows only while less than half of the memory budget is used.
    private void TuneWindow(long now)
    {
        if (HasUndelivered || !_tuning.IsDue(now))
        {
            return;
        }

        int beyond = _reassembly.Length;
        long wanted = _tuning.OnDelivered(
            _delivered + (uint)beyond, now, Unread?.Held ?? 0, leastFactor: beyond > 0 ? WindowFactorWithGaps : 1);
        if (wanted > _window.Size && _scalingOn && _environment.Budget.Used + wanted < _environment.Budget.Limit / 2)
        {
            _window.Size = (int)Math.Min(wanted, MaxReceiveWindow);
        }
    }

    private void OnOutOfOrderData(uint start, ReadOnlySpan<byte> payload, long now)
    {
        _environment.Statistics.Add(TcpCounter.OutOfOrderSegments);
        if (_sackOn && _reassembly.FindHeld(start, start + (uint)payload.Length) is { } held)
        {
            _duplicateSacks.Add(held);
        }

        if (!_reassembly.Insert(start, payload, _delivered, MaxReceiveWindow))
        {
            _environment.Statistics.Add(TcpCounter.OutOfWindowSegments);
        }

        TuneWindow(now);

        // RFC 5681, 4.2: immediately. With SACK one acknowledgement per batch suffices; without, the peer counts duplicates.
        _acknowledgeNow = true;
        _duplicatesDue = _sackOn ? 0 : Math.Min(_duplicatesDue + 1, MaxDuplicatesDue);
    }

    private const int MaxDuplicatesDue = 64;

    private void SkipQueued()
    {
        while (!_reassembly.IsEmpty && !Sequence.IsAfter(_reassembly.Start, _receiveNext))
        {
            _receiveNext += (uint)_reassembly.Drain(_receiveNext, null);
        }

        _delivered = _receiveNext;
    }

    // RFC 9293, 3.10.7.4, eighth step: the FIN.
    private void OnFin()
    {
        _receiveNext++;
        IsFinReceived = true;
        _acknowledgeNow = true;
        switch (State)
        {
            case TcpState.Established:
                State = TcpState.CloseWait;
                break;
            case TcpState.FinWait1:
                State = TcpState.Closing;
                break;
            case TcpState.FinWait2:
                EnterTimeWait();
                break;
        }
    }

    private uint TimestampClock(long now) => _timestampOffset + (uint)(now / TimeSpan.TicksPerMillisecond);
}
