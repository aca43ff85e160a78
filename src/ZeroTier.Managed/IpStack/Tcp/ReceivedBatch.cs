namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>
/// What one receive thread has received for one layer since its last batch ended: the connections that have got segments, and the answers
/// to segments without a connection. Threads whose numbers collide share one, so it is thread-safe.
/// </summary>
internal sealed class ReceivedBatch(TcpLayer layer)
{
    // Most answers (resets, SYN cookies) that are queued until the end of the batch.
    private const int MaxAnswers = 1024;

    // Leaf lock.
    private readonly Lock _gate = new();
    private readonly Stack<List<TcpSocket>> _spareLists = new();
    private List<TcpSocket> _pending = [];
    private List<Answer>? _answers;
    private long _arrived;
    private volatile bool _begins = true;

    /// <summary>It is in the <see cref="BatchQueue"/>. Guarded by the queue's lock.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The time of the batch, which begins it. The clock is read once for all that arrived together.</summary>
    public long ArrivalTime
    {
        get
        {
            if (_begins)
            {
                Volatile.Write(ref _arrived, layer.Now);
                _begins = false;
                layer.Options.Batches?.Add(this);
            }

            return Volatile.Read(ref _arrived);
        }
    }

    /// <summary>Runs a connection at the end of the batch.</summary>
    public void Add(TcpSocket socket)
    {
        if (socket.TryMarkPending())
        {
            lock (_gate)
            {
                _pending.Add(socket);
            }
        }
    }

    /// <summary>Sends a segment at the end of the batch.</summary>
    public void Add(in Answer answer)
    {
        lock (_gate)
        {
            _answers ??= [];
            if (_answers.Count < MaxAnswers)
            {
                _answers.Add(answer);
            }
        }
    }

    /// <summary>Ends the batch: runs its connections and sends its answers.</summary>
    public void End() => layer.Run(this);

    /// <summary>Takes what is in it. False when it is empty; otherwise the list is to be given back by <see cref="Return"/>.</summary>
    public bool TryTake(out List<TcpSocket> pending, out List<Answer>? answers)
    {
        _begins = true;
        lock (_gate)
        {
            pending = _pending;
            answers = _answers;
            if (pending.Count == 0 && answers is null)
            {
                return false;
            }

            _pending = _spareLists.TryPop(out List<TcpSocket>? spare) ? spare : [];
            _answers = null;
        }

        foreach (TcpSocket socket in pending)
        {
            socket.ClearPending();
        }

        return true;
    }

    /// <summary>Gives a list back, for a later batch.</summary>
    public void Return(List<TcpSocket> pending)
    {
        pending.Clear();
        lock (_gate)
        {
            _spareLists.Push(pending);
        }
    }

    /// <summary>A segment that belongs to no connection.</summary>
    internal readonly record struct Answer(IpAddress Local, IpAddress Remote, OutgoingSegment Segment);
}
