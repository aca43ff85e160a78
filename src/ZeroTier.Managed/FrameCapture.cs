using System.Reflection;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Capture;

namespace ZeroTier.Managed;

/// <summary>
/// A capture of the Ethernet frames of a node's networks, both ways, that runs: pcapng, as Wireshark and tshark read it. Each network is an
/// interface; each frame has its direction, and in its comment the other node and what became of it. The network never waits for it: frames
/// that cannot be written fast enough are dropped from the capture and counted. What is written is whole at every moment, also when the
/// process is killed. Thread-safe.
/// </summary>
public sealed class FrameCapture : IAsyncDisposable
{
    /// <summary>Bytes of each half of the queue: some hundred frames of the largest kind.</summary>
    internal const int QueueSize = 1024 * 1024;

    /// <summary>How long disposing waits for a stream that is blocked.</summary>
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);

    /// <summary>How long a stream that was told to give up has for it.</summary>
    private static readonly TimeSpan AbandonLimit = TimeSpan.FromSeconds(1);

    private static readonly string Application =
        $"ZtKestrel {typeof(FrameCapture).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}";

    private readonly CaptureTap _tap;
    private readonly CaptureQueue _queue;
    private readonly CaptureOptions _options;
    private readonly Stream _stream;
    private readonly FileStream? _file;
    private readonly string _target;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _abandoned = new();

    private FrameCapture(CaptureTap tap, CaptureOptions options, Stream stream, string? path, TimeProvider time, ILogger log, int queueSize)
    {
        _tap = tap;
        _options = options;
        _stream = stream;
        _file = path is null ? null : stream as FileStream;
        _target = path is null ? "a stream" : $"'{path}'";
        _time = time;
        _log = log;
        _queue = new CaptureQueue(options, time, Application, queueSize);
    }

    /// <summary>Frames that were captured.</summary>
    public long Frames => _queue.Frames;

    /// <summary>
    /// Frames that are missing in the capture, because it could not be written fast enough. The file says, too, where and how many.
    /// </summary>
    public long Dropped => _queue.Dropped;

    /// <summary>Ends with the capture, once all of it is written. Never faults.</summary>
    public Task<CaptureEnd> Completion { get; private set; } = null!;

    /// <summary>Why it could not be written; null while it could.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Ends the capture, and waits until all of it is written.</summary>
    /// <param name="cancellationToken">Gives up what is not written yet; also a stream that does not heed its own token.</param>
    /// <returns>Why it has ended: it may have done so before.</returns>
    public async Task<CaptureEnd> StopAsync(CancellationToken cancellationToken = default)
    {
        End();
        using var registration = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _abandoned);
        try
        {
            return await Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Most streams give up at once. What is left of one that never does is the stream's.
            await Task.WhenAny(Completion, Task.Delay(AbandonLimit, _time, CancellationToken.None)).ConfigureAwait(false);
            return Completion.IsCompleted ? await Completion.ConfigureAwait(false) : CaptureEnd.Stopped;
        }
    }

    /// <summary>Ends the capture, as <see cref="StopAsync"/> does; a stream that is blocked is given up after 5 seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(DisposeLimit, _time);
        await StopAsync(limit.Token).ConfigureAwait(false);
    }

    /// <summary>Starts a capture.</summary>
    /// <param name="tap">Where the frames are.</param>
    /// <param name="options">What to capture.</param>
    /// <param name="stream">Where it goes.</param>
    /// <param name="path">The path of the stream, a file that is closed at the end; null for a stream that stays the caller's.</param>
    /// <param name="time">The clock of the frames.</param>
    /// <param name="log">Never throws.</param>
    /// <param name="queueSize">Bytes of each half of the queue.</param>
    internal static FrameCapture Start(
        CaptureTap tap, CaptureOptions options, Stream stream, string? path, TimeProvider time, ILogger log, int queueSize = QueueSize)
    {
        var capture = new FrameCapture(tap, options, stream, path, time, log, queueSize);

        // In the tap before it runs: one that fails at once takes itself out.
        var run = new Task<Task<CaptureEnd>>(capture.RunAsync);
        capture.Completion = run.Unwrap();
        tap.Add(capture);
        run.Start(TaskScheduler.Default);
        CaptureLog.Started(log, options.Network is { } network ? $"network {network}" : "all networks", capture._target);
        return capture;
    }

    /// <summary>Takes nothing more; what was taken is still written.</summary>
    internal void End()
    {
        _tap.Remove(this);
        _queue.End();
    }

    /// <summary>Takes a frame of the data path, or drops it.</summary>
    internal void Add(in CapturedFrame frame) => _queue.Add(frame);

    private async Task<CaptureEnd> RunAsync()
    {
        long written = 0;
        try
        {
            while (await _queue.NextAsync(_abandoned.Token).ConfigureAwait(false) is { IsEmpty: false } blocks)
            {
                // Whole blocks in one write: a process that is killed leaves a file that ends with a block.
                await _stream.WriteAsync(blocks, _abandoned.Token).ConfigureAwait(false);
                await _stream.FlushAsync(_abandoned.Token).ConfigureAwait(false);
                written += blocks.Length;
            }

            if (_queue.SizeReached)
            {
                CaptureLog.SizeReached(_log, _target, _options.MaxSize, Frames);
                return CaptureEnd.SizeReached;
            }
        }
        catch (OperationCanceledException) when (_abandoned.IsCancellationRequested)
        {
            CutOff(written);
        }
        catch (Exception exception)
        {
            Error = exception;
            CutOff(written);
            CaptureLog.Failed(_log, _target, exception.Message);
            return CaptureEnd.Failed;
        }
        finally
        {
            _tap.Remove(this);
            _queue.End();
            await CloseAsync().ConfigureAwait(false);
        }

        return CaptureEnd.Stopped;
    }

    /// <summary>Removes the part of a block that a full disk has left.</summary>
    private void CutOff(long written)
    {
        try
        {
            _file?.SetLength(written);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ObjectDisposedException or NotSupportedException)
        {
            // The first error is the one to report.
        }
    }

    private async ValueTask CloseAsync()
    {
        try
        {
            if (_file is not null)
            {
                await _file.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // All that could be written is.
        }
    }
}
