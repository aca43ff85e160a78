namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Spurious loss detection, caused by late or reordered segments: the congestion window is restored.</summary>
internal sealed partial class TcpConnection
{
    // The retransmissions of the present or latest recovery that are not proven spurious.
    private bool _undoPossible;
    private bool _begunByTimeout;
    private bool _retransmitted;
    private uint _episodeStart;
    private uint _retransmittedEnd;
    private uint _firstRetransmissionAt;
    private int _neededRetransmissions;

    // RFC 8985, 7: a tail probe is on its way; it repeats a segment when there was nothing new to send.
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

    // RFC 2883, 4: the first block reports repeated data when it lies below the acknowledgement, or inside of the second.
    private static bool IsDuplicateReport(in TcpSegment segment)
    {
        SackBlock first = segment.Sack[0];
        return Sequence.IsBefore(first.Start, first.End)
            && (!Sequence.IsAfter(first.End, segment.Acknowledgement)
                || segment.SackCount > 1
                    && !Sequence.IsBefore(first.Start, segment.Sack[1].Start)
                    && !Sequence.IsAfter(first.End, segment.Sack[1].End));
    }

    // As in RFC 3708: once each retransmission of an episode is reported as repeated, there was no loss.
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

    // RFC 3522, 3.2: the acknowledgement of all that was sent again echoes a timestamp from before: the first transmissions have arrived.
    private void TryUndoByTimestamp(in TcpSegment segment, int advanced)
    {
        if (advanced > 0 && _undoPossible && _retransmitted && _timestampsOn
            && (int)(segment.TimestampEcho - _firstRetransmissionAt) < 0 && !Sequence.IsBefore(segment.Acknowledgement, _retransmittedEnd))
        {
            Undo();
        }
    }

    // RFC 4015, 3.2 with what the congestion control had before.
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

    // RFC 8985, 7.4.
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
            // No duplicate was reported: the probe has repaired a loss.
            _tailProbed = false;
            _congestion.OnLoss(_scoreboard.Outstanding, now);
        }
        else if (advanced == 0 && segment.SequenceLength == 0 && segment.SackCount == 0)
        {
            // Both have arrived, and the peer does not report repetitions.
            _tailProbed = false;
        }
    }
}
