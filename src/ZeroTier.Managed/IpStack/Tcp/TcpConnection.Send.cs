namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpConnection
{
    private bool _finQueued;
    private bool _finSent;
    private bool _resetDue;
    private bool _abandoned;
    private long _abandonedAt;
    private bool _windowLimited;

    // Set by the persist timer: the next segment may leave though it is short. Set by the tail loss probe: though the congestion window is
    // full.
    private bool _overrideWindow;
    private bool _overrideCongestion;
    private bool _probeDue;
    private bool _answerDue;
    private OutgoingSegment _answer;
    private long _sentAt;
    private long _paceFrom;
    private long _synSentAt;

    /// <summary>Plans the next segment, if one may be sent. The connection's state then counts it as sent.</summary>
    public bool TryPlan(long now, out OutgoingSegment segment)
    {
        now = _clock = Math.Max(_clock, now);
        segment = new OutgoingSegment { WindowScale = -1, SourcePort = _localPort, DestinationPort = _remotePort };
        if (_answerDue)
        {
            _answerDue = false;
            segment = _answer;
            return true;
        }

        switch (State)
        {
            case TcpState.Closed:
                return PlanReset(ref segment);
            case TcpState.SynSent:
            case TcpState.SynReceived:
                return PlanSyn(now, ref segment) || State == TcpState.SynReceived && PlanAcknowledgement(now, ref segment);
            case TcpState.TimeWait:
                return PlanAcknowledgement(now, ref segment);
        }

        // SACK blocks are sent in a segment of their own before data, since they do not fit beside a full payload.
        bool reports = _acknowledgeNow && _sackOn && (!_reassembly.IsEmpty || !_duplicateSacks.IsEmpty);
        return (_duplicatesDue > 0 || reports) && PlanAcknowledgement(now, ref segment)
            || !MustPace(now) && (PlanRetransmission(now, ref segment) || PlanData(now, ref segment))
            || PlanAcknowledgement(now, ref segment);
    }

    // Shortest pacing delay: system timers are not finer, and each one costs.
    private const long PacingInterval = TimeSpan.TicksPerMillisecond;

    // How much sending time a late timer may make up for.
    private const long PacingBurst = 5 * TimeSpan.TicksPerMillisecond;

    private bool MustPace(long now)
    {
        _pacedUntil = Never;
        if (_congestion.PacingRate == 0 || now >= _paceFrom || _forceRetransmit)
        {
            return false;
        }

        bool waits = _scoreboard.LostBytes > 0 || _send.Length > (int)(_sendNext - _sendUnacknowledged) || _finQueued && !_finSent;
        _pacedUntil = waits ? Math.Max(_paceFrom, now + PacingInterval) : Never;
        return true;
    }

    /// <summary>Planned segments may refer to the send buffer until <see cref="EndTransmission"/>.</summary>
    public void BeginTransmission() => _send.Hold();

    /// <summary>All planned segments have been written.</summary>
    public void EndTransmission() => _send.EndHold();

    private bool PlanReset(ref OutgoingSegment segment)
    {
        if (!_resetDue)
        {
            return false;
        }

        _resetDue = false;
        _environment.Statistics.Add(TcpCounter.ResetsSent);
        segment.Sequence = _sendNext;
        segment.Acknowledgement = _receiveNext;
        segment.Flags = TcpFlags.Rst | TcpFlags.Ack;
        return true;
    }

    private bool PlanRetransmission(long now, ref OutgoingSegment segment)
    {
        int length = _scoreboard.FirstLostLength();
        if (length == 0 || !_forceRetransmit && InFlight + length > _congestion.Window)
        {
            return false;
        }

        _forceRetransmit = false;
        _scoreboard.TryRetransmit(now, out uint sequence, out length);
        NoteRetransmission(sequence + (uint)length, now);
        int start = (int)(sequence - _sendUnacknowledged);
        int payload = Math.Min(length, _send.Length - start);
        Fill(now, sequence, start, payload, fin: payload < length, ref segment);
        _environment.Statistics.Add(TcpCounter.Retransmissions);

        // RFC 6298, 5: the timer belongs to the oldest segment and restarts when that is retransmitted: on a long path the
        // acknowledgement may take most of the timeout.
        if (_retransmitAt == Never || sequence == _sendUnacknowledged)
        {
            _retransmitAt = now + _timer.Timeout;
        }

        return true;
    }

    private bool PlanData(long now, ref OutgoingSegment segment)
    {
        // FIN goes with, or after, the last byte; nothing follows it.
        int sent = (int)(_sendNext - _sendUnacknowledged);
        int unsent = _send.Length - sent;
        bool finDue = _finQueued;
        if (_finSent || unsent == 0 && !finDue)
        {
            NoteUnlimited();
            return false;
        }

        int usable = _sendWindow - sent;
        int length = Math.Min(Math.Min(unsent, _segmentSize), Math.Max(0, usable));
        if (!MayLeave(length, unsent, usable))
        {
            NoteUnlimited();

            // With nothing in flight no acknowledgement will report a window update: probe for it (RFC 9293, 3.8.6.1).
            if (_scoreboard.Count == 0 && _persistAt == Never)
            {
                _persistAt = now + _timer.Timeout;
            }

            return false;
        }

        if (_scoreboard.Count == 0 && now - _sentAt > _timer.Timeout)
        {
            _congestion.OnIdle();
        }

        int inFlight = InFlight;
        if (inFlight > 0 && inFlight + length > _congestion.Window && !_overrideCongestion)
        {
            _windowLimited = true;
            return false;
        }

        _overrideWindow = false;
        _overrideCongestion = false;
        _persistAt = Never;
        bool fin = finDue && length == unsent;
        if (_scoreboard.Count == 0)
        {
            _progressAt = now;
        }

        Fill(now, _sendNext, sent, length, fin, ref segment);
        segment.Flags |= length == unsent ? TcpFlags.Psh : TcpFlags.None;
        int sequenceLength = length + (fin ? 1 : 0);
        _scoreboard.Add(_sendNext, sequenceLength, now);
        _sendNext += (uint)sequenceLength;
        _finSent |= fin;
        _environment.Statistics.Add(TcpCounter.BytesSent, length);
        if (_retransmitAt == Never)
        {
            _retransmitAt = now + _timer.Timeout;
        }

        ArmTailProbe(now);
        return true;
    }

    // While the application or the peer's window limits the sender, the delivery rate says nothing about the capacity of the path.
    private void NoteUnlimited()
    {
        if (_scoreboard.LostBytes == 0 && InFlight < _congestion.Window)
        {
            _scoreboard.OnApplicationLimited();
        }
    }

    // Sender's silly window avoidance (RFC 9293, 3.8.6.2.1): a full segment, all of the unsent data, or half of the largest window seen.
    private bool MayLeave(int length, int unsent, int usable)
    {
        if (length == 0)
        {
            return unsent == 0 && usable > 0;
        }

        return length == unsent || length == _segmentSize || length >= _maxSendWindow / 2 || _overrideWindow;
    }

    private bool PlanAcknowledgement(long now, ref OutgoingSegment segment)
    {
        if (_probeDue)
        {
            // A sequence number below the peer's window, which the peer must answer with an acknowledgement (RFC 9293, 3.8.4).
            _probeDue = false;
            FillHeader(now, _sendUnacknowledged - 1, ref segment);
            return true;
        }

        if (_duplicatesDue > 0)
        {
            _duplicatesDue--;
        }
        else if (!_acknowledgeNow)
        {
            return false;
        }

        FillHeader(now, _sendNext, ref segment);
        if (_sackOn)
        {
            // RFC 2883, 4: a D-SACK block comes first and is reported once; ordinary SACK blocks follow.
            int first = _duplicateSacks.TryTake(out segment.Sack[0]) ? 1 : 0;
            _acknowledgeNow = !_duplicateSacks.IsEmpty;
            segment.SackCount = _reassembly.Report(
                _receiveNext, first, _timestampsOn ? SackBlocks.Capacity - 1 : SackBlocks.Capacity, ref segment.Sack);
        }

        return true;
    }

    private void Fill(long now, uint sequence, int start, int length, bool fin, ref OutgoingSegment segment)
    {
        FillHeader(now, sequence, ref segment);
        segment.Flags |= fin ? TcpFlags.Fin : TcpFlags.None;
        if (length > 0)
        {
            _send.Slice(start, length, ref segment);
            if (_congestion.PacingRate is > 0 and var rate)
            {
                _paceFrom = Math.Max(_paceFrom, now - PacingBurst) + length * TimeSpan.TicksPerSecond / rate;
            }
        }

        _sentAt = now;
    }

    private void FillHeader(long now, uint sequence, ref OutgoingSegment segment)
    {
        segment.Sequence = sequence;
        segment.Acknowledgement = _receiveNext;
        segment.Flags = TcpFlags.Ack;
        segment.Window = _window.Advertise(_receiveNext, ReceiveRoom, _receiveScale, _segmentSize);
        if (_timestampsOn)
        {
            segment.HasTimestamps = true;
            segment.TimestampValue = TimestampClock(now);
            segment.TimestampEcho = _paws.Latest;
        }

        _lastAcknowledged = _receiveNext;
        _unacknowledgedBytes = 0;
        _largestUnacknowledged = LeastFullSegment;
        _acknowledgeNow = false;
        _acknowledgeAt = Never;
    }
}
