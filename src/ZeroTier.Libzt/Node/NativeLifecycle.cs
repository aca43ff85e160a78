using Microsoft.Extensions.Logging;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// The single native node of the process: which <see cref="LibztNode"/> owns it, and when it may start (docs/protocol/4-libzt-api.md 11 and
/// 13). Except for <see cref="Gate"/> and <see cref="IsClaimed"/>, members may be used only with the gate held.
/// </summary>
internal static class NativeLifecycle
{
    // Section 11.5: for this long after a stop, the terminating native thread may still clear settings and events.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan CoreLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan StopAgain = TimeSpan.FromMilliseconds(500);

    // Real time and not the injected clock, because these are native waits.
    private static readonly TimeProvider _time = TimeProvider.System;
    private static volatile LibztNode? _owner;
    private static NodeSession? _frozen;
    private static long _stoppedAt;
    private static bool _everStopped;
    private static bool _begun;

    /// <summary>Serialises every start, stop, join and leave of the process. Taken before any lock, and held over awaits.</summary>
    public static SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>True while a <see cref="LibztNode"/> owns the native node, running or reserved. May be read without the gate.</summary>
    public static bool IsClaimed => _owner is not null;

    /// <summary>Gives the native node to an object.</summary>
    /// <exception cref="ZeroTierException">Another object has it.</exception>
    public static void Claim(LibztNode node)
    {
        if (!TryClaim(node))
        {
            // An owner that has only reserved the node has no address yet.
            string owner = _owner is { State: ZeroTierNodeState.Running } running ? $"node {running.Id}" : "another node";
            throw new ZeroTierException(
                ZeroTierError.NotSupported,
                $"libzt runs one node per process, and {owner} is that one. Stop it first, or use the managed engine (ManagedNode, or "
                + "ZeroTier:Engine 'Managed') for further nodes: any number of its nodes may run, beside this one too.");
        }
    }

    /// <summary>Gives the native node to an object, unless another one has it.</summary>
    public static bool TryClaim(LibztNode node)
    {
        _owner ??= node;
        return _owner == node;
    }

    /// <summary>Releases the native node.</summary>
    public static void Release(LibztNode node)
    {
        if (_owner == node)
        {
            _owner = null;
        }
    }

    /// <summary>Waits until a start is safe.</summary>
    /// <exception cref="ZeroTierException">The previous native node does not terminate.</exception>
    public static async Task WaitUntilStartableAsync(LibztLibrary library, CancellationToken cancellationToken)
    {
        if (_frozen is { } frozen)
        {
            _frozen = await frozen.TryFinishStopAsync().ConfigureAwait(false) ? null : throw Frozen();
        }

        if (_begun)
        {
            if (!await EndsAsync(library, StopLimit, cancellationToken).ConfigureAwait(false))
            {
                throw new ZeroTierException(
                    ZeroTierError.NotRunning,
                    "libzt has not ended its previous node, so that a start would crash the process. Try again later, or restart "
                    + "the process.");
            }

            NoteEnd();
        }

        if (_everStopped && Pause - _time.GetElapsedTime(_stoppedAt) is { } rest && rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Starts the native node; returns libzt's result.</summary>
    public static int Start()
    {
        _begun = true;
        return Zts.NodeStart();
    }

    /// <summary>Stops the native node and waits until it has ended.</summary>
    /// <param name="library">The library.</param>
    /// <param name="isGone">The node has terminated by itself; only wait for its thread.</param>
    /// <param name="log">The logger.</param>
    public static async Task StopAsync(LibztLibrary library, bool isGone, ILogger log)
    {
        if (isGone)
        {
            // libzt may not clear its service variable in this case, so the wait is bounded; the next start continues it.
            if (await EndsAsync(library, CoreLimit, CancellationToken.None).ConfigureAwait(false))
            {
                NoteEnd();
            }

            return;
        }

        // libzt refuses a stop until its service runs, which may not be the case yet when a start was cancelled.
        long begin = _time.GetTimestamp();
        while (Zts.NodeGetId() is 0 or Zts.NoNode && _time.GetElapsedTime(begin) < CoreLimit)
        {
            await Task.Delay(Step, _time).ConfigureAwait(false);
        }

        Zts.NodeStop();
        if (await EndsAsync(library, StopLimit, CancellationToken.None).ConfigureAwait(false))
        {
            NoteEnd();
        }
        else
        {
            NodeLog.StopUnfinished(log, StopLimit.TotalSeconds);
        }
    }

    /// <summary>Waits with a limit for a task that never completes when libzt has frozen; true when it completed.</summary>
    public static Task<bool> EndsInTimeAsync(Task task) => EndsAsync(task, StopLimit);

    /// <summary>Waits briefly for a task that completes at once unless libzt is still frozen; true when it completed.</summary>
    public static Task<bool> EndsAtOnceAsync(Task task) => EndsAsync(task, Pause);

    /// <summary>
    /// Keeps a session whose sockets cannot be closed, with its claim on the storage folder, while its native node exists.
    /// </summary>
    public static void Freeze(NodeSession session) => _frozen = session;

    /// <summary>The error of such a session.</summary>
    public static ZeroTierException Frozen() => new(
        ZeroTierError.Fatal,
        $"libzt has frozen: its sockets were not closed within {StopLimit.TotalSeconds} seconds, so that its node cannot be stopped and " +
        "goes on in this process. Either its IP stack is caught in a call, or a callback of the application blocks the thread of the "
        + "sockets. Restart the process, or use the managed engine.");

    private static void NoteEnd()
    {
        _stoppedAt = _time.GetTimestamp();
        _everStopped = true;
        _begun = false;
    }

    private static async Task<bool> EndsAsync(Task task, TimeSpan limit)
    {
        try
        {
            await task.WaitAsync(limit, _time).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return task.IsCompleted;
        }
    }

    private static async Task<bool> EndsAsync(LibztLibrary library, TimeSpan limit, CancellationToken cancellationToken)
    {
        long begin = _time.GetTimestamp();
        long asked = begin;
        while (Zts.NodeGetId() is var id && (id != Zts.NoNode || library.HasService))
        {
            if (_time.GetElapsedTime(begin) > limit)
            {
                return false;
            }

            // libzt refuses a stop until its service runs (section 11.1); once the node has an address, repeat the stop.
            if (id is not 0 and not Zts.NoNode && _time.GetElapsedTime(asked) > StopAgain)
            {
                asked = _time.GetTimestamp();
                Zts.NodeStop();
            }

            await Task.Delay(Step, _time, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }
}
