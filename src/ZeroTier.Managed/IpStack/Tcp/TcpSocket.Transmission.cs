using System.Runtime.CompilerServices;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>Transmission of segments, by one batch at a time.</content>
internal sealed partial class TcpSocket
{
    // The batch that holds unsent segments of this socket, 0 for none; whether a thread is in Transmit; and whether another thread has
    // asked for a transmission in the meantime. See Transmit.
    private long _batchId;
    private bool _transmitting;
    private bool _transmitAgain;

    internal void RunPendingNow()
    {
        while (RunPendingOnce())
        {
        }
    }

    /// <summary>The batch is sent: other batches may transmit again. Runs a transmission that had to wait for this one.</summary>
    internal void EndBatch(in TcpLayer.TransmissionBatch batch)
    {
        if (HasPendingAfter(batch))
        {
            RunPendingNow();
        }

        _layer.OnProgress();
    }

    // True when it must run again. The caller loops instead of recursing: on a loopback path each send may cause the next acknowledgement.
    private bool RunPendingOnce()
    {
        TcpLayer.TransmissionBatch batch = _layer.BeginBatch();
        bool again;
        try
        {
            RunPending(batch);
        }
        finally
        {
            batch.Packets.Send();
            again = HasPendingAfter(batch);
        }

        _layer.OnProgress();
        return again;
    }

    private bool HasPendingAfter(in TcpLayer.TransmissionBatch batch)
    {
        if (Volatile.Read(ref _batchId) != batch.Id)
        {
            return false;
        }

        lock (_gate)
        {
            bool again = _transmitAgain;
            _transmitAgain = false;
            _batchId = 0;
            return again;
        }
    }

    // Plans segments under the lock and writes them without it. From its first segment until it is sent, one batch has the connection
    // exclusively, so that segments leave in order; otherwise the peer would report false gaps. Other threads set the transmit-again flag
    // meanwhile.
    private void Transmit(in TcpLayer.TransmissionBatch batch)
    {
        bool sent = false;
        var plans = default(Plans);
        int segmentSize = PathSegmentSize;
        lock (_gate)
        {
            if (_transmitting || _batchId != 0 && _batchId != batch.Id)
            {
                _transmitAgain = true;
                return;
            }

            sent = _batchId == batch.Id;
            _batchId = batch.Id;
            _transmitting = true;
            _connection.FollowPath(segmentSize);
            _connection.BeginTransmission();
        }

        while (true)
        {
            int count = 0;
            lock (_gate)
            {
                long now = _layer.Now;
                while (count < Plans.Capacity && _connection.TryPlan(now, out plans[count]))
                {
                    count++;
                }

                if (count == 0)
                {
                    // A thread sets the flag only after it has changed the state, both under this lock; so that change is transmitted.
                    _connection.EndTransmission();
                    _transmitting = false;
                    _transmitAgain = false;
                    _batchId = sent ? batch.Id : 0;
                    return;
                }
            }

            sent = true;

            for (int i = 0; i < count; i++)
            {
                ref OutgoingSegment plan = ref plans[i];
                plan.Write(Key.Local, Key.Remote, batch.Packets.Reserve(Key.Local, Key.Remote, IpProtocol.Tcp, plan.Length));
                batch.Packets.Commit();
            }

            _layer.Statistics.Add(TcpCounter.SegmentsSent, count);
        }
    }

    private int PathSegmentSize => _layer.Output.MaxPayload(Key.Remote) - TcpSegment.HeaderLength;

    [InlineArray(Capacity)]
    private struct Plans
    {
        public const int Capacity = 16;
        private OutgoingSegment _first;
    }
}
