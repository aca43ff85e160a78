namespace ZeroTier.Managed.IpStack.Tcp;

internal sealed partial class TcpConnection
{
    // RFC 8985, 7.2: WCDelAckT, the longest that a peer delays the acknowledgement of a single segment.
    private const long WorstAcknowledgementDelay = 200 * TimeSpan.TicksPerMillisecond;

    // Least delay of a tail loss probe: under load the peer's threads do not answer faster, so an earlier probe would mostly be spurious.
    private const long ShortestProbe = 10 * TimeSpan.TicksPerMillisecond;

    private long _retransmitAt = Never;
    private long _reorderAt = Never;
    private long _probeTailAt = Never;
    private long _persistAt = Never;
    private long _acknowledgeAt = Never;
    private long _keepAliveAt = Never;
    private long _lifetimeAt = Never;
    private long _pacedUntil = Never;

    // OnPeerHeard has already brought a retransmission forward, and nothing was received on this connection since.
    private bool _hastened;
    private int _retransmissions;
    private int _persistTries;
    private int _probesUnanswered;
    private long _probedSince = Never;

    /// <summary>When <see cref="OnTimer"/> must be called next, or <see cref="Never"/>.</summary>
    public long NextDeadline
    {
        get
        {
            long first = Math.Min(Math.Min(_retransmitAt, _reorderAt), Math.Min(_probeTailAt, _persistAt));
            return Math.Min(Math.Min(first, _acknowledgeAt), Math.Min(Math.Min(_keepAliveAt, _lifetimeAt), _pacedUntil));
        }
    }

    /// <summary>Handles all deadlines that are due. A call before the next deadline does nothing.</summary>
    public void OnTimer(long now)
    {
        if (now >= _lifetimeAt)
        {
            OnLifetimeEnd();
        }

        if (now >= _acknowledgeAt)
        {
            _acknowledgeAt = Never;
            _acknowledgeNow = true;
        }

        if (now >= _reorderAt)
        {
            _reorderAt = Never;
            if (_scoreboard.DetectLoss(now, _recovery != Recovery.None, Math.Max(1, _timer.SmoothedRoundTrip), _congestion, ref _reorderAt))
            {
                OnLossFound(now);
            }
        }

        if (now >= _probeTailAt)
        {
            OnTailProbe(now);
        }

        if (now >= _retransmitAt)
        {
            OnRetransmissionTimeout(now);
        }

        if (now >= _pacedUntil)
        {
            // Nothing else to do: the caller transmits after every deadline.
            _pacedUntil = Never;
        }

        if (now >= _persistAt)
        {
            OnPersist(now);
        }

        if (now >= _keepAliveAt)
        {
            OnKeepAlive(now);
        }
    }

    /// <summary>The peer has left a retransmission or a window probe unanswered; the next one waits for a timer with back-off.</summary>
    public bool AwaitsPeer => State switch
    {
        TcpState.Closed or TcpState.TimeWait => false,
        TcpState.SynSent => _synRepeated,
        TcpState.SynReceived => false,
        _ => _retransmissions > 0 && _scoreboard.Count > 0 || _probedSince != Never,
    };

    /// <summary>A probe was sent, and nothing was received since.</summary>
    public bool IsProbeUnanswered => _probesUnanswered > 0;

    /// <summary>
    /// The link has heard from the peer, though not on this connection: retransmits immediately, but only once until something is received
    /// on this connection.
    /// </summary>
    public void OnPeerHeard(long now)
    {
        if (!AwaitsPeer || _hastened)
        {
            return;
        }

        // The back-off starts again from the timeout computed of measured round trips.
        _hastened = true;
        _timer.EndBackOff();
        _retransmitAt = _retransmitAt == Never ? Never : now;
        _persistAt = _persistAt == Never ? Never : now;
        OnTimer(now);
    }

    /// <summary>
    /// The peer may have lost this connection in a restart: sends a probe, which it then answers with a reset (RFC 9293, 3.8.4 and 3.5.2).
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="evenIfHeard">Also when something was received on the connection a moment ago.</param>
    public void Probe(long now, bool evenIfHeard)
    {
        if (!IsEstablished
            || State is TcpState.Closed or TcpState.TimeWait
            || _probesUnanswered > 0
            || !evenIfHeard && now - _lastHeardAt < RetransmissionTimer.Minimum)
        {
            return;
        }

        _probesUnanswered++;
        _probeDue = true;
        _environment.Statistics.Add(TcpCounter.KeepAliveProbes);
        if (_keepAliveAt != Never)
        {
            _keepAliveAt = now + _options.KeepAliveInterval.Ticks;
        }
    }

    private void StopTimers()
    {
        _retransmitAt = Never;
        _reorderAt = Never;
        _probeTailAt = Never;
        _persistAt = Never;
        _acknowledgeAt = Never;
        _keepAliveAt = Never;
        _lifetimeAt = Never;
        _pacedUntil = Never;
    }

    private void OnLifetimeEnd()
    {
        switch (State)
        {
            case TcpState.SynSent:
            case TcpState.SynReceived:
                TimeOut("No answer to the attempt to connect in time.");
                break;
            default:
                // FIN-WAIT-2 of an abandoned connection: the peer's FIN did not arrive in time.
                End(null);
                break;
        }
    }

    // RFC 6298, 5.1 to 5.3: the retransmission timer runs while data is outstanding.
    private void ArmRetransmission(long now)
    {
        _retransmitAt = _scoreboard.Outstanding > 0 ? now + _timer.Timeout : Never;
        ArmTailProbe(now);
    }

    // RFC 8985, 7.2: schedules a tail loss probe.
    private void ArmTailProbe(long now)
    {
        _probeTailAt = Never;
        if (!_sackOn || _tailProbed || _recovery != Recovery.None || _scoreboard.Count == 0 || _scoreboard.SackedSegments > 0
            || _timer.SmoothedRoundTrip == 0)
        {
            return;
        }

        // The peer may delay the acknowledgement of the last segment, and of a short one behind it.
        long at = now + Math.Max(
            2 * _timer.SmoothedRoundTrip, ShortestProbe) + (_scoreboard.Outstanding < 2 * _segmentSize ? WorstAcknowledgementDelay : 0);
        if (at < _retransmitAt)
        {
            _probeTailAt = at;
        }
    }

    // RFC 8985, 7.3: new data if there is any, else the last segment again; the peer's SACK blocks then show what is missing.
    private void OnTailProbe(long now)
    {
        _probeTailAt = Never;
        if (_recovery != Recovery.None || _scoreboard.Count == 0)
        {
            return;
        }

        _tailProbed = true;
        _tailProbeRepeats = false;
        _tailProbeEnd = _sendNext;
        int sent = (int)(_sendNext - _sendUnacknowledged);
        if (!_finSent && _send.Length > sent && _sendWindow - sent >= Math.Min(_segmentSize, _send.Length - sent))
        {
            _overrideCongestion = true;
        }
        else if (_scoreboard.MarkLastLost())
        {
            _forceRetransmit = true;
            _tailProbeRepeats = true;
        }

        _retransmitAt = now + _timer.Timeout;
    }

    private void OnRetransmissionTimeout(long now)
    {
        _retransmitAt = Never;
        if (State is TcpState.SynSent or TcpState.SynReceived)
        {
            _synDue = true;
            _synRepeated = true;
            _timer.BackOff();
            return;
        }

        if (_scoreboard.Count == 0)
        {
            return;
        }

        // RFC 9293, 3.8.3: R2, here the user timeout. When the peer has shrunk its window to zero, retransmissions serve as window probes
        // (3.8.6): the connection lives for as long as the peer answers.
        long silentSince = _sendWindow == 0 && !_abandoned ? Math.Max(_progressAt, _lastHeardAt) : _progressAt;
        if (now - silentSince >= _options.UserTimeout.Ticks)
        {
            TimeOut("The other end has acknowledged nothing in time.");
            return;
        }

        _environment.Statistics.Add(TcpCounter.RetransmissionTimeouts);
        _doubtsPath = true;
        if (_recovery == Recovery.None)
        {
            BeginEpisode(timeout: true);
        }

        int outstanding = _scoreboard.Outstanding;
        _scoreboard.MarkLostOnTimeout(now);
        _congestion.OnTimeout(outstanding, InFlight, first: _retransmissions++ == 0 && _recovery != Recovery.Timeout, now);
        _recovery = Recovery.Timeout;
        _recoveryPoint = _sendNext;
        _duplicates = 0;
        _tailProbed = false;
        _probeTailAt = Never;
        _reorderAt = Never;
        _forceRetransmit = true;
        _timer.BackOff();

        // The last timer expires no later than the user timeout.
        _retransmitAt = Math.Max(
            now + RetransmissionTimer.Minimum, Math.Min(now + _timer.Timeout, silentSince + _options.UserTimeout.Ticks));
    }

    // RFC 9293, 3.8.6.1: a closed window is probed for as long as the peer answers.
    private void OnPersist(long now)
    {
        _persistAt = Never;
        if (_probedSince != Never && now - _probedSince >= _options.UserTimeout.Ticks)
        {
            TimeOut("The other end no longer answers probes of its closed window.");
            return;
        }

        // The application has abandoned the connection and the peer keeps a zero window: give up UserTimeout after the later of last
        // progress and abandonment.
        if (_abandoned && now - Math.Max(_progressAt, _abandonedAt) >= _options.UserTimeout.Ticks)
        {
            TimeOut("The other end kept its window closed after this end had finished.");
            return;
        }

        _probedSince = Math.Min(_probedSince, now);
        if (_sendWindow > 0)
        {
            _overrideWindow = true;
        }
        else
        {
            _environment.Statistics.Add(TcpCounter.ZeroWindowProbes);
            _probeDue = true;
        }

        _persistTries = Math.Min(_persistTries + 1, 16);
        _persistAt = now + Math.Min(_timer.Timeout << _persistTries, RetransmissionTimer.Maximum);
    }

    // The end that opened the connection waits longer, so that usually only the other one probes: its probe ends the silence for both.
    private long KeepAliveTime => _options.KeepAliveTime.Ticks + (_opened ? _options.KeepAliveTime.Ticks / 8 : 0);

    // RFC 9293, 3.8.4. With data in flight no probes are sent: the retransmission timer detects a dead peer.
    private void OnKeepAlive(long now)
    {
        long due = _lastHeardAt + KeepAliveTime;
        if (_probesUnanswered == 0 && now < due || _scoreboard.Count > 0)
        {
            _keepAliveAt = Math.Max(due, now + _options.KeepAliveInterval.Ticks);
            return;
        }

        if (_probesUnanswered >= _options.KeepAliveProbes)
        {
            TimeOut("The other end no longer answers keep-alive probes.");
            return;
        }

        _probesUnanswered++;
        _probeDue = true;
        _environment.Statistics.Add(TcpCounter.KeepAliveProbes);
        _keepAliveAt = now + _options.KeepAliveInterval.Ticks;
    }

    private void TimeOut(string message) => Abort(new TcpException(TcpError.TimedOut, message));
}
