using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

internal sealed partial class SocketLoop
{
    // Bytes sent per round, which takes a millisecond or two; then the sockets are polled again.
    private const int SendBudget = 128 * 1024;
    private const int DrainInterval = 20;
    private const int WithoutWakeSocket = 5;
    private const int FailurePause = 20;

    private readonly Action<PolledSocket, PollEvents> _dispatch;
    private readonly Action<PolledSocket> _expire;
    private readonly Action<object?, Exception> _onWorkFailed;
    private readonly Queue<StreamSocket> _sending = new();
    private readonly List<(NetworkId Network, TaskCompletionSource Closed)> _leaving = [];
    private readonly List<TaskCompletionSource> _drainWaiters = [];
    private readonly AutoResetEvent _doorbell = new(false);
    private volatile bool _isGone;
    private bool _isStopping;
    private bool _pollFailed;

    /// <summary>The sockets.</summary>
    internal PollSet Polled { get; } = new();

    /// <summary>The bound ports.</summary>
    internal BoundPorts Ports { get; } = new();

    /// <summary>The time in milliseconds, updated at the start of a round and after a poll.</summary>
    internal long Now { get; private set; }

    /// <summary>
    /// The buffer for all sends and receives: larger than libzt's receive queue of a connection, so that one call empties that.
    /// </summary>
    internal byte[] Scratch { get; } = GC.AllocateUninitializedArray<byte>(512 * 1024, pinned: true);

    /// <summary>The number of pipe ends not yet completed; the loop must not end before they are.</summary>
    internal int OpenPipeEnds { get; set; }

    /// <summary>Whether the native node has terminated: calls on descriptors then have no effect.</summary>
    internal bool IsGone => _isGone;

    /// <summary>Queues a stream that has data or FIN to send.</summary>
    internal void EnqueueSend(StreamSocket stream)
    {
        if (!stream.IsSendQueued)
        {
            stream.IsSendQueued = true;
            _sending.Enqueue(stream);
        }
    }

    /// <summary>Removes the socket from the poll set.</summary>
    internal void Remove(PolledSocket socket)
    {
        if (socket.Index >= 0)
        {
            Polled.Remove(socket);
        }
    }

    private void Run()
    {
        Descriptor.CloseOrphans();
        while (true)
        {
            try
            {
                if (!Round())
                {
                    break;
                }
            }
            catch (Exception e)
            {
                SocketLog.Unexpected(Logger, "a round", e);
                _doorbell.WaitOne(FailurePause);
            }
        }

        _wake.End();
        _ended.TrySetResult();
    }

    private bool Round()
    {
        Tick();
        Work.Run(_onWorkFailed);
        Polled.Expire(Now, _expire);
        SendSome();
        CheckWaiters();
        if (_isStopping && Polled.Count == 0 && OpenPipeEnds == 0 && Work.TryEnd())
        {
            return false;
        }

        Wait();
        return true;
    }

    private void Tick() => Now = _timeProvider.GetTimestamp() / (_timeProvider.TimestampFrequency / 1000);

    private void SendSome()
    {
        int budget = SendBudget;
        for (int n = _sending.Count; n > 0 && budget > 0; n--)
        {
            StreamSocket stream = _sending.Dequeue();
            stream.IsSendQueued = false;
            try
            {
                budget -= stream.Send();
            }
            catch (Exception e)
            {
                Fail(stream, e);
            }
        }
    }

    private void Wait()
    {
        int wakeDescriptor = _isGone ? -1 : _wake.Ensure();
        int timeout = Timeout(wakeDescriptor);
        if (timeout > 0 && !Work.TrySleep())
        {
            timeout = 0;
        }

        if (timeout > 0 && !_isGone && !_wake.Is(wakeDescriptor))
        {
            // Woken in the meantime: do not wait, because libzt does not report a descriptor that was closed before the poll.
            timeout = 0;
            Work.Awake();
        }

        if (_isGone || _pollFailed)
        {
            _doorbell.WaitOne(_pollFailed ? FailurePause : timeout);
            _pollFailed = false;
            Work.Awake();
            return;
        }

        Counters.Round();
        int ready = Polled.Poll(wakeDescriptor, timeout);
        if (timeout > 0)
        {
            Work.Awake();
        }

        if (ready > 0)
        {
            Tick();
            Polled.Dispatch(_dispatch);
        }
        else if (ready < 0)
        {
            OnPollFailed(ready);
        }
    }

    private int Timeout(int wakeDescriptor)
    {
        if (_sending.Count != 0 || Work.HasWork)
        {
            return 0;
        }

        int longest = _drainWaiters.Count != 0 ? DrainInterval : Limits.SafetyNet;
        if (wakeDescriptor < 0 && !_isGone)
        {
            longest = Math.Min(longest, WithoutWakeSocket);
        }

        return (int)Math.Clamp(Polled.NextDeadline - Now, 0, longest);
    }

    private void Dispatch(PolledSocket socket, PollEvents events)
    {
        try
        {
            socket.OnReady(events);
        }
        catch (Exception e)
        {
            Fail(socket, e);
        }
    }

    private void Expire(PolledSocket socket)
    {
        try
        {
            socket.Expire();
        }
        catch (Exception e)
        {
            Fail(socket, e);
        }
    }

    /// <summary>Ends a socket after an unexpected error; the others go on.</summary>
    internal void Fail(PolledSocket socket, Exception e)
    {
        if (socket is not StreamSocket)
        {
            // For a stream, the connection's observer, or the log in its place, is told about the reset and its cause.
            SocketLog.Unexpected(Logger, socket.GetType().Name, e);
        }

        End(socket, new ZeroTierException(ZeroTierError.ConnectionAborted, "An unexpected error at this end ended the connection.", e));
    }

    private void FailWork(object? state, Exception e)
    {
        if (state is PolledSocket socket)
        {
            Fail(socket, e);
        }
        else
        {
            SocketLog.Unexpected(Logger, "work", e);
        }
    }

    private void End(PolledSocket socket, ZeroTierException reason)
    {
        try
        {
            socket.End(reason);
        }
        catch (Exception e)
        {
            SocketLog.Unexpected(Logger, $"the end of {socket.GetType().Name}", e);
            socket.Close();
        }
    }

    private void OnPollFailed(int result)
    {
        if (result == -1)
        {
            SocketLog.PollFailed(Logger, result, ErrnoTable.Describe(Zts.LastErrno()));
            _pollFailed = true;
            return;
        }

        // The native node has terminated: descriptors cannot be closed until its next start (docs/protocol/4-libzt-api.md 8).
        SocketLog.NodeGone(Logger);
        _isGone = true;
        EndAll(SocketErrors.NodeGone());
    }

    // Called by a thread that adds work while the loop sleeps.
    private void WakeUp()
    {
        if (_isGone)
        {
            _doorbell.Set();
        }
        else
        {
            _wake.Wake();
        }
    }

    private void BeginStop()
    {
        if (IsCurrentThread && !_isStopping)
        {
            _isStopping = true;
            EndAll(SocketErrors.Stopped());
        }
    }

    private void EndAll(ZeroTierException reason)
    {
        foreach (PolledSocket socket in Polled.All.ToArray())
        {
            End(socket, reason);
        }
    }

    private void AddDrainWaiter(TaskCompletionSource waiter)
    {
        if (IsCurrentThread)
        {
            _drainWaiters.Add(waiter);
        }
        else
        {
            waiter.TrySetResult();
        }
    }

    private void CheckWaiters()
    {
        for (int i = _leaving.Count - 1; i >= 0; i--)
        {
            var (network, closed) = _leaving[i];
            if (!Polled.All.Any(s => s.Network == network))
            {
                _leaving.RemoveAt(i);
                closed.TrySetResult();
            }
        }

        if (_drainWaiters.Count != 0 && Polled.All.All(s => s is not StreamSocket { IsDrained: false }))
        {
            foreach (TaskCompletionSource waiter in _drainWaiters)
            {
                waiter.TrySetResult();
            }

            _drainWaiters.Clear();
        }
    }
}
