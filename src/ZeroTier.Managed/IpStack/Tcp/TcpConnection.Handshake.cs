namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpConnection
{
    // A half-open connection ends after this time; until then its SYN-ACK is retransmitted.
    private const long HalfOpenLifetime = 30 * TimeSpan.TicksPerSecond;

    private readonly uint _initialSend;
    private bool _synDue;
    private bool _synRepeated;
    private bool _synAnsweredAgain;
    private uint _initialReceive;
    private int _peerSegmentSize;
    private int _pathSegmentSize;
    private int _segmentSize = DefaultSegmentSize;
    private int _sendScale;
    private int _receiveScale;
    private bool _scalingOn;
    private bool _sackOn;
    private bool _timestampsOn;

    /// <summary>The handshake is complete: the peer has acknowledged our SYN.</summary>
    public bool IsEstablished { get; private set; }

    // RFC 9293, 3.10.7.3: a segment arrives in SYN-SENT.
    private void OnSegmentInSynSent(in TcpSegment segment, long now)
    {
        bool acknowledges = segment.Has(TcpFlags.Ack);
        if (acknowledges && segment.Acknowledgement != _sendNext)
        {
            if (!segment.Has(TcpFlags.Rst))
            {
                _answer = OutgoingSegment.ResetFor(segment);
                _answerDue = true;
            }

            return;
        }

        if (segment.Has(TcpFlags.Rst))
        {
            if (acknowledges)
            {
                IsResetReceived = true;
                End(new TcpException(
                    TcpError.ConnectionRefused, "The other end refused the connection: nothing listens there, or its rules forbid it."));
            }

            return;
        }

        if (!segment.Has(TcpFlags.Syn))
        {
            return;
        }

        TakeSyn(segment, now);
        _sendWindow = segment.Window;
        _maxSendWindow = segment.Window;
        if (!acknowledges)
        {
            // Simultaneous open (RFC 9293, 3.5, figure 7).
            State = TcpState.SynReceived;
            _synDue = true;
            return;
        }

        if (!_synRepeated)
        {
            _timer.Sample(Math.Max(1, now - _synSentAt));
        }

        Establish(segment, now);
        _acknowledgeNow = true;

        // Data on a SYN is not accepted. Since it is not acknowledged, the peer retransmits it (RFC 9293, 3.10.7.3).
    }

    private void TakeSyn(in TcpSegment syn, long now)
    {
        _initialReceive = syn.Sequence;
        _receiveNext = syn.Sequence + 1;
        _delivered = _receiveNext;
        _lastAcknowledged = _receiveNext;
        _window = new ReceiveWindow(_options.ReceiveWindow, _receiveNext);

        // RFC 7323, 1.3 and 2.2: an option is in force only when both SYNs carry it.
        _scalingOn = syn.WindowScale >= 0;
        _sendScale = _scalingOn ? syn.WindowScale : 0;
        _receiveScale = _scalingOn ? _receiveScale : 0;
        _sackOn = syn.SackPermitted && _options.SelectiveAck;
        _timestampsOn = syn.HasTimestamps && _options.Timestamps;
        _paws = new Paws(syn.TimestampValue, now);

        // RFC 6691: the MSS does not include TCP options; the payload of our segments is reduced by their length.
        _peerSegmentSize = syn.MaximumSegmentSize >= MinSegmentSize ? syn.MaximumSegmentSize : DefaultSegmentSize;
        _segmentSize = EffectiveSegmentSize;
        _largestUnacknowledged = LeastFullSegment;
        _congestion = NewCongestionControl(_segmentSize);
    }

    private void Establish(in TcpSegment segment, long now)
    {
        State = TcpState.Established;
        IsEstablished = true;
        _sendUnacknowledged = segment.Acknowledgement;
        _updateSequence = segment.Sequence;
        _updateAcknowledgement = segment.Acknowledgement;
        _retransmitAt = Never;
        _lifetimeAt = Never;
        _progressAt = now;
        if (_synRepeated)
        {
            _timer.RestartAfterSynLoss();
        }

        if (_finQueued)
        {
            State = TcpState.FinWait1;
        }

        if (_options.KeepAliveTime > TimeSpan.Zero)
        {
            _keepAliveAt = now + KeepAliveTime;
        }
    }

    private bool PlanSyn(long now, ref OutgoingSegment segment)
    {
        if (!_synDue)
        {
            return false;
        }

        _synDue = false;
        _synSentAt = now;
        bool answers = State == TcpState.SynReceived;
        segment.Flags = answers ? TcpFlags.Syn | TcpFlags.Ack : TcpFlags.Syn;
        segment.Sequence = _initialSend;
        segment.Acknowledgement = answers ? _receiveNext : 0;

        // RFC 7323, 2.2: the window field of a SYN is never scaled.
        segment.Window = (ushort)Math.Min(_options.ReceiveWindow, ushort.MaxValue);
        segment.MaximumSegmentSize = (ushort)_localSegmentSize;
        segment.WindowScale = !answers || _scalingOn ? _receiveScale : -1;
        segment.SackPermitted = answers ? _sackOn : _options.SelectiveAck;
        if (answers ? _timestampsOn : _options.Timestamps)
        {
            segment.HasTimestamps = true;
            segment.TimestampValue = TimestampClock(now);
            segment.TimestampEcho = answers ? _paws.Latest : 0;
        }

        _acknowledgeNow = false;
        _retransmitAt = now + _timer.Timeout;
        return true;
    }
}
