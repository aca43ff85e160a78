using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Connections;

/// <summary>
/// Runs the transport's continuations on a fixed number of queues, each drained by one pool thread at a time, so that bursts of many
/// connections are processed in batches. Work items with the same state object always go to the same queue, in order.
/// </summary>
internal sealed class IOQueues : PipeScheduler, ShieldedScheduler.IShielded
{
    private readonly Queue[] _queues;

    /// <param name="count">How many queues.</param>
    /// <param name="log">Logs exceptions of work items. Must not throw.</param>
    public IOQueues(int count, ILogger log)
    {
        _queues = new Queue[count];
        for (int i = 0; i < count; i++)
        {
            _queues[i] = new Queue(log);
        }
    }

    public override void Schedule(Action<object?> action, object? state)
    {
        // A pipe's continuation has the awaiting state machine as its state, which belongs to one connection, so its hash code identifies
        // the connection.
        uint hash = (uint)(state is null ? 0 : RuntimeHelpers.GetHashCode(state));
        _queues[hash % (uint)_queues.Length].Schedule(action, state);
    }

    /// <summary>One queue; at most one pool thread drains it.</summary>
    private sealed class Queue(ILogger log) : IThreadPoolWorkItem
    {
        private readonly ConcurrentQueue<(Action<object?> Action, object? State)> _work = new();
        private int _draining;

        public void Schedule(Action<object?> action, object? state)
        {
            _work.Enqueue((action, state));
            if (Interlocked.CompareExchange(ref _draining, 1, 0) == 0)
            {
                System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }

        void IThreadPoolWorkItem.Execute()
        {
            while (true)
            {
                while (_work.TryDequeue(out var item))
                {
                    try
                    {
                        item.Action(item.State);
                    }
                    catch (Exception exception)
                    {
                        // The exception concerns one connection, but the queue serves many.
                        ShieldLog.WorkFailed(log, exception);
                    }
                }

                // Order matters: clear the flag first, then check the queue again. Either a producer sees the 0 and schedules the queue, or
                // its item is seen here.
                Interlocked.Exchange(ref _draining, 0);
                if (_work.IsEmpty || Interlocked.Exchange(ref _draining, 1) == 1)
                {
                    return;
                }
            }
        }
    }
}
