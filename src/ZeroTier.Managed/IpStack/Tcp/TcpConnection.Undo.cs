namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// Detection of spurious retransmissions, caused by late or reordered segments: the congestion window is restored (RFC 3522, 3708, 4015).
/// Also the accounting of tail loss probes (RFC 8985, 7).
/// </summary>
internal sealed partial class TcpConnection
{
    // State of the current or latest recovery (episode): whether it can be undone, and its retransmissions not yet proven spurious.
    private bool _undoPossible;
    private bool _begunByTimeout;
    private bool _retransmitted;
    private uint _episodeStart;
    private uint _retransmittedEnd;
    private uint _firstRetransmissionAt;
    private int _neededRetransmissions;

    // RFC 8985, 7: a tail loss probe is in flight; whether it retransmits the last segment, because there was no new data; TLP.end_seq.
    private bool _tailProbed;
    private bool _tailProbeRepeats;
    private uint _tailProbeEnd;

    private void BeginEpisode(bool timeout)
    {
        _begunByTimeout = timeout;
        _undoPossible = true;
        _retransmitted = false;
        _episodeStart = _sendUnacknowledged;
        _neededRetransmissions = 0;
        _congestion.Save();
    }

    private void NoteRetransmission(uint end, long now)
    {
        if (_recovery == Recovery.None || !_undoPossible)
        {
            return;
        }

        _neededRetransmissions++;
        _retransmittedEnd = _retransmitted ? Sequence.Max(_retransmittedEnd, end) : end;
        _firstRetransmissionAt = _retransmitted ? _firstRetransmissionAt : TimestampClock(now);
        _retransmitted = true;
    }

    // RFC 2883, 4: the first block is a D-SACK when it lies below the acknowledgement number, or inside the second block.
    private static bool IsDuplicateReport(in TcpSegment segment)
    {
        SackBlock first = segment.Sack[0];
        return Sequence.IsBefore(first.Start, first.End)
            && (!Sequence.IsAfter(first.End, segment.Acknowledgement)
                || segment.SackCount > 1
                    && !Sequence.IsBefore(first.Start, segment.Sack[1].Start)
                    && !Sequence.IsAfter(first.End, segment.Sack[1].End));
    }

    // As in RFC 3708: once every retransmission of an episode is reported as a duplicate, nothing had been lost.
    private void OnDuplicateReported(SackBlock block)
    {
        _environment.Statistics.Add(TcpCounter.SpuriousRetransmissions);
        if (_tailProbed && block.End == _tailProbeEnd)
        {
            // RFC 8985, 7.4: the probe was spurious, which says nothing about reordering.
            _tailProbed = false;
            return;
        }

        _scoreboard.OnSpuriousRetransmission(_sendNext);
        if (_undoPossible && _retransmitted && !Sequence.IsBefore(block.Start, _episodeStart) && !Sequence.IsAfter(block.End, _sendNext))
        {
            _neededRetransmissions -= ((int)(block.End - block.Start) + _segmentSize - 1) / _segmentSize;
            if (_neededRetransmissions <= 0)
            {
                Undo();
            }
        }
    }

    // RFC 3522, 3.2 (Eifel detection): an acknowledgement that covers all retransmissions echoes a timestamp from before the first one, so
    // the original transmissions have arrived.
    private void TryUndoByTimestamp(in TcpSegment segment, int advanced, long now)
    {
        if (advanced > 0 && _undoPossible && _retransmitted && _timestampsOn
            && (int)(segment.TimestampEcho - _firstRetransmissionAt) < 0 && !Sequence.IsBefore(segment.Acknowledgement, _retransmittedEnd))
        {
            Undo();

            // An acknowledgement that reports a duplicate answers the retransmission: that of the original was lost, not late.
            if (_begunByTimeout && _sackOn && segment.SackCount == 0)
            {
                _timer.Restart((TimestampClock(now) - segment.TimestampEcho) * TimeSpan.TicksPerMillisecond);
            }
        }
    }

    // RFC 4015, 3.2, but restores the congestion control's state from before the episode.
    private void Undo()
    {
        _undoPossible = false;
        _congestion.Undo();
        _environment.Statistics.Add(TcpCounter.RecoveriesUndone);
        if (!_begunByTimeout)
        {
            _scoreboard.OnReordering();
        }

        if (_recovery != Recovery.None)
        {
            _recovery = Recovery.None;
            _duplicates = 0;
            _scoreboard.UnmarkLost();
        }
    }

    // RFC 8985, 7.4: finds out whether a tail loss probe has repaired a loss.
    private void OnTailProbeAnswered(in TcpSegment segment, int advanced, long now)
    {
        if (!_tailProbed || Sequence.IsBefore(segment.Acknowledgement, _tailProbeEnd))
        {
            return;
        }

        if (!_tailProbeRepeats)
        {
            _tailProbed = false;
        }
        else if (Sequence.IsAfter(segment.Acknowledgement, _tailProbeEnd))
        {
            // Newer data is acknowledged and no D-SACK came: the probe has repaired a loss, which counts as congestion.
            _tailProbed = false;
            _congestion.OnLoss(_scoreboard.Outstanding, now);
        }
        else if (advanced == 0 && segment.SequenceLength == 0 && segment.SackCount == 0)
        {
            // A second acknowledgement without D-SACK: both copies have arrived, and the peer does not report duplicates.
            _tailProbed = false;
        }
    }
}
