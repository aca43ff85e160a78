namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>The segment size follows the path MTU, which changes during the connection (RFC 9293, 3.7.1; RFC 8899).</summary>
internal sealed partial class TcpConnection
{
    private bool _doubtsPath;

    private int EffectiveSegmentSize => Math.Min(_peerSegmentSize, _pathSegmentSize) - (_timestampsOn ? TcpOption.TimestampsLength : 0);

    /// <summary>
    /// Sets the largest payload, TCP options included, that the path carries. It bounds all segments sent from now on, also
    /// retransmissions.
    /// </summary>
    public void FollowPath(int segmentSize)
    {
        segmentSize = Math.Clamp(segmentSize, MinSegmentSize, ChunkPool.ChunkSize);
        if (segmentSize == _pathSegmentSize)
        {
            return;
        }

        _pathSegmentSize = segmentSize;
        if (_peerSegmentSize == 0 || _segmentSize == EffectiveSegmentSize)
        {
            return;
        }

        bool shorter = EffectiveSegmentSize < _segmentSize;
        _segmentSize = EffectiveSegmentSize;
        _congestion.SegmentSize = _segmentSize;
        if (shorter)
        {
            _scoreboard.Cut(_segmentSize);
        }
    }

    /// <summary>
    /// The path MTU has fallen below the size of segments in flight: they are lost, but not because of congestion, so the window is not
    /// reduced (RFC 8899, 4.3).
    /// </summary>
    public void OnPathNarrowed(int segmentSize, long now)
    {
        // Before FollowPath, which splits the long segments.
        int payload = Math.Clamp(segmentSize, MinSegmentSize, ChunkPool.ChunkSize) - (_timestampsOn ? TcpOption.TimestampsLength : 0);
        if (State is not (TcpState.SynSent or TcpState.SynReceived) && _scoreboard.MarkLost(payload))
        {
            if (_recovery == Recovery.None)
            {
                BeginEpisode(timeout: true);
                _recovery = Recovery.Timeout;
                _recoveryPoint = _sendNext;
            }

            _tailProbed = false;
            _probeTailAt = Never;
            _forceRetransmit = true;
            _timer.EndBackOff();
            _retransmitAt = now + _timer.Timeout;
        }

        FollowPath(segmentSize);
    }

    /// <summary>Whether the retransmission timer has expired since the last call: the path MTU may have shrunk.</summary>
    public bool TakeDoubt()
    {
        bool doubt = _doubtsPath;
        _doubtsPath = false;
        return doubt;
    }
}
