using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Engines;

/// <summary>
/// Wraps a scheduler supplied by the application, which may throw: when it does, the work runs on the thread pool instead, never twice, and
/// exceptions of the work are logged. A lost continuation would leave a caller waiting forever, and an exception would reach an engine
/// thread that serves all connections.
/// </summary>
internal sealed class ShieldedScheduler : PipeScheduler
{
    private readonly PipeScheduler _inner;
    private readonly ILogger _log;
    private bool _failed;

    private ShieldedScheduler(PipeScheduler inner, ILogger log)
    {
        _inner = inner;
        _log = log;
    }

    /// <summary>The scheduler itself if it is known to be safe, else a wrapper around it.</summary>
    public static PipeScheduler Around(PipeScheduler scheduler, ILogger log) =>
        scheduler == ThreadPool || scheduler == Inline || scheduler is IShielded or ShieldedScheduler
            ? scheduler
            : new ShieldedScheduler(scheduler, log);

    /// <summary>The same options with wrapped schedulers.</summary>
    public static ZeroTierConnectionOptions Around(ZeroTierConnectionOptions options, ILogger log)
    {
        PipeScheduler application = Around(options.ApplicationScheduler, log);
        PipeScheduler transport = Around(options.TransportScheduler, log);
        return application == options.ApplicationScheduler && transport == options.TransportScheduler
            ? options
            : options with { ApplicationScheduler = application, TransportScheduler = transport };
    }

    public override void Schedule(Action<object?> action, object? state)
    {
        var work = new Work(action, state, _log);
        try
        {
            _inner.Schedule(static work => ((Work)work!).Execute(), work);
        }
        catch (Exception e)
        {
            if (!Interlocked.Exchange(ref _failed, true))
            {
                ShieldLog.SchedulerFailed(_log, _inner.GetType().Name, e);
            }

            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
        }
    }

    /// <summary>Marks schedulers of this project that never throw and catch exceptions of their work.</summary>
    internal interface IShielded;

    private sealed class Work(Action<object?> action, object? state, ILogger log) : IThreadPoolWorkItem
    {
        private bool _begun;

        public void Execute()
        {
            if (Interlocked.Exchange(ref _begun, true))
            {
                return;
            }

            try
            {
                action(state);
            }
            catch (Exception e)
            {
                ShieldLog.WorkFailed(log, e);
            }
        }
    }
}
