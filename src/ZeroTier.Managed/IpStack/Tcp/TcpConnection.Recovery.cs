using ZeroTier.Managed.IpStack.Tcp.Congestion;

namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpConnection
{
    private enum Recovery
    {
        None,

        /// <summary>Fast recovery: loss was detected by acknowledgements (RFC 5681, 3.2; RFC 6582; RFC 6675).</summary>
        Fast,

        /// <summary>The retransmission timer expired, or the path MTU fell: retransmission in slow start (RFC 5681, 3.1).</summary>
        Timeout,
    }

    private RetransmissionTimer _timer = new();
    private ICongestionControl _congestion;
    private Recovery _recovery;
    private uint _recoveryPoint;
    private bool _forceRetransmit;
    private int _duplicates;
    private long _lostBefore;
    private uint _sendUnacknowledged;
    private uint _sendNext;
    private int _sendWindow;
    private int _maxSendWindow;
    private uint _updateSequence;
    private uint _updateAcknowledgement;

    // When new data was last acknowledged, or when sending began with nothing outstanding: the user timeout counts from here.
    private long _progressAt;

    // RFC 9293, 3.10.7.4, fifth. False when the segment must be dropped.
    private bool OnAcknowledgement(in TcpSegment segment, long now)
    {
        uint acknowledgement = segment.Acknowledgement;
        if (State == TcpState.SynReceived)
        {
            if (acknowledgement != _sendNext)
            {
                _answer = OutgoingSegment.ResetFor(segment);
                _answerDue = true;
                return false;
            }

            if (!_synRepeated && !_synAnsweredAgain)
            {
                _timer.Sample(Math.Max(1, now - _synSentAt));
            }

            _sendWindow = segment.Window << _sendScale;
            _maxSendWindow = _sendWindow;
            Establish(segment, now);
        }

        // RFC 5961, 5.2: an acknowledgement of data not yet sent, or one that is too old, may be forged.
        if (Sequence.IsAfter(acknowledgement, _sendNext)
            || Sequence.IsBefore(acknowledgement, _sendUnacknowledged - (uint)_maxSendWindow))
        {
            Challenge(now);
            return false;
        }

        bool duplicate = TakeWindow(segment);
        int outstandingBefore = _scoreboard.Outstanding;
        int inFlightBefore = InFlight;
        var delivery = new SackScoreboard.Delivery { RoundTrip = -1 };
        int advanced = Math.Max(0, (int)(acknowledgement - _sendUnacknowledged));
        if (advanced > 0)
        {
            Advance(acknowledgement, advanced, now, ref delivery);
        }

        TryUndoByTimestamp(segment, advanced, now);
        if (_sackOn && segment.SackCount > 0 && IsDuplicateReport(segment))
        {
            OnDuplicateReported(segment.Sack[0]);
        }

        OnTailProbeAnswered(segment, advanced, now);
        for (int i = 0; _sackOn && i < segment.SackCount; i++)
        {
            _scoreboard.Sack(segment.Sack[i], _sendNext, now, ref delivery);
        }

        if (delivery.RoundTrip >= 0)
        {
            _timer.Sample(delivery.RoundTrip);
        }
        else if (advanced > 0)
        {
            _timer.EndBackOff();
        }

        if (duplicate && advanced == 0 && outstandingBefore > 0 && !_sackOn)
        {
            _duplicates++;
        }

        Recover(acknowledgement, advanced, inFlightBefore, delivery, now);
        if (advanced > 0)
        {
            ArmRetransmission(now);
            OnSendQueueAcknowledged();
        }

        return true;
    }

    // RFC 9293, 3.10.7.4: only the newest segment updates the send window (SND.WL1, SND.WL2). True when the segment meets RFC 5681's
    // conditions for a duplicate acknowledgement, except that data must be outstanding.
    private bool TakeWindow(in TcpSegment segment)
    {
        int window = segment.Window << _sendScale;
        bool same = window == _sendWindow && segment.SequenceLength == 0;
        if (!Sequence.IsBefore(segment.Acknowledgement, _sendUnacknowledged)
            && (Sequence.IsBefore(_updateSequence, segment.Sequence)
                || _updateSequence == segment.Sequence && !Sequence.IsBefore(segment.Acknowledgement, _updateAcknowledgement)))
        {
            if (window > _sendWindow)
            {
                _persistAt = Never;
                _persistTries = 0;
            }

            _sendWindow = window;
            _maxSendWindow = Math.Max(_maxSendWindow, window);
            _updateSequence = segment.Sequence;
            _updateAcknowledgement = segment.Acknowledgement;
        }

        return same && segment.Acknowledgement == _sendUnacknowledged;
    }

    private void Advance(uint acknowledgement, int advanced, long now, ref SackScoreboard.Delivery delivery)
    {
        _scoreboard.Acknowledge(acknowledgement, now, ref delivery);
        _sendUnacknowledged = acknowledgement;
        _send.Discard(Math.Min(advanced, _send.Length));
        _progressAt = now;
        _retransmissions = 0;
        if (!_sackOn && _duplicates > 0)
        {
            // The segments that the duplicate acknowledgements stood for are now acknowledged cumulatively.
            _duplicates = Math.Max(0, _duplicates - Math.Max(0, advanced / _segmentSize - 1));
        }
    }

    private void Recover(uint acknowledgement, int advanced, int inFlightBefore, in SackScoreboard.Delivery delivery, long now)
    {
        if (_recovery != Recovery.None && !Sequence.IsBefore(acknowledgement, _recoveryPoint) && advanced > 0)
        {
            _recovery = Recovery.None;
            _duplicates = 0;
            _scoreboard.OnRecoveryEnded();
        }

        if (delivery.Bytes > 0 || advanced > 0)
        {
            _congestion.OnAcknowledged(new AckSample
            {
                Now = now,
                Acknowledged = advanced,
                Limited = _windowLimited || _congestion.IsSlowStart && 2L * inFlightBefore >= _congestion.Window,
                Recovering = _recovery == Recovery.Fast,
                RoundTrip = delivery.RoundTrip,
                Acknowledgement = acknowledgement,
                SendNext = _sendNext,
                Delivered = delivery.Bytes,
                TotalDelivered = _scoreboard.TotalDelivered,
                Lost = (int)(_scoreboard.TotalLost - _lostBefore),
                InFlight = InFlight,
                Rate = delivery.Rate,
            });
            _lostBefore = _scoreboard.TotalLost;
            _windowLimited &= advanced == 0 || _recovery == Recovery.Fast;
        }

        if (_sackOn)
        {
            _reorderAt = Never;
            if (_scoreboard.DetectLoss(now, _recovery != Recovery.None, Math.Max(1, _timer.SmoothedRoundTrip), _congestion, ref _reorderAt))
            {
                OnLossFound(now);
            }

            return;
        }

        // RFC 6582, 3.2: the third duplicate starts fast recovery; each partial acknowledgement shows the next loss.
        if (_recovery == Recovery.None && _duplicates >= SackScoreboard.DuplicateThreshold)
        {
            _scoreboard.MarkFirstLost();
            OnLossFound(now);
        }
        else if (_recovery == Recovery.Fast && advanced > 0)
        {
            _scoreboard.MarkFirstLost();
            _forceRetransmit = true;
        }
    }

    private void OnLossFound(long now)
    {
        if (_recovery != Recovery.None)
        {
            return;
        }

        // Once per window of data (RFC 6675, 5).
        BeginEpisode(timeout: false);
        _recovery = Recovery.Fast;
        _recoveryPoint = _sendNext;
        _forceRetransmit = true;
        _tailProbed = false;
        _probeTailAt = Never;
        _congestion.OnLoss(_scoreboard.Outstanding, now);
        _environment.Statistics.Add(TcpCounter.FastRecoveries);
    }

    // Data in flight: the scoreboard's pipe. Without SACK, each duplicate acknowledgement stands for a segment that has arrived (RFC 5681,
    // 3.2).
    private int InFlight => Math.Max(0, _scoreboard.InFlight - (_sackOn ? 0 : _duplicates * _segmentSize));

    private void OnSendQueueAcknowledged()
    {
        if (!_finSent || _sendUnacknowledged != _sendNext)
        {
            return;
        }

        // Our FIN is acknowledged.
        switch (State)
        {
            case TcpState.FinWait1:
                State = TcpState.FinWait2;
                if (_abandoned)
                {
                    _lifetimeAt = _progressAt + _environment.Options.FinWaitTimeout.Ticks;
                }

                break;
            case TcpState.Closing:
                EnterTimeWait();
                break;
            case TcpState.LastAck:
                End(null);
                break;
        }
    }
}
