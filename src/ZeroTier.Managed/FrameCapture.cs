using System.Reflection;
using Microsoft.Extensions.Logging;
using ZeroTier.Managed.Capture;

namespace ZeroTier.Managed;

/// <summary>
/// A capture of the Ethernet frames of a node's networks, inbound and outbound, in the pcapng format of Wireshark and tshark. Each network
/// is an interface; each frame has its direction, and a comment with the other node and what was done with the frame. The network never
/// waits for the capture: frames that cannot be written fast enough are dropped from the capture and counted. Blocks are written whole, so
/// that the capture is valid even if the process is killed. Thread-safe.
/// </summary>
public sealed class FrameCapture : IAsyncDisposable
{
    /// <summary>Size of each buffer of the queue in bytes: enough for more than 100 frames of the maximum size.</summary>
    internal const int QueueSize = 1024 * 1024;

    /// <summary>How long disposal waits for a blocked stream before it cancels the write.</summary>
    private static readonly TimeSpan DisposeLimit = TimeSpan.FromSeconds(5);

    /// <summary>How long to wait for a stream after its write was cancelled.</summary>
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

    /// <summary>Captured frames.</summary>
    public long Frames => _queue.Frames;

    /// <summary>
    /// Frames that are missing because the capture could not be written fast enough. The capture itself also records how many, and where.
    /// </summary>
    public long Dropped => _queue.Dropped;

    /// <summary>Completes when the capture has ended and all of it is written. Never faults.</summary>
    public Task<CaptureEnd> Completion { get; private set; } = null!;

    /// <summary>Why the capture could not be written; null unless it has failed.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Ends the capture, and waits until all of it is written.</summary>
    /// <param name="cancellationToken">Discards what is not written yet, and ends the wait even if the stream ignores cancellation.</param>
    /// <returns>Why the capture has ended, which may have been earlier.</returns>
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
            // Most streams are cancelled immediately. One that ignores cancellation is not waited for any longer.
            await Task.WhenAny(Completion, Task.Delay(AbandonLimit, _time, CancellationToken.None)).ConfigureAwait(false);
            return Completion.IsCompleted ? await Completion.ConfigureAwait(false) : CaptureEnd.Stopped;
        }
    }

    /// <summary>Ends the capture, as <see cref="StopAsync"/> does, and cancels a blocked stream after 5 seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(DisposeLimit, _time);
        await StopAsync(limit.Token).ConfigureAwait(false);
    }

    /// <summary>Starts a capture.</summary>
    /// <param name="tap">The node's captures, to which this one is added.</param>
    /// <param name="options">What to capture.</param>
    /// <param name="stream">The stream to write to.</param>
    /// <param name="path">The path of the stream if it is a file, which is closed at the end; null if the stream is the caller's.</param>
    /// <param name="time">The clock for the timestamps.</param>
    /// <param name="log">A logger that never throws.</param>
    /// <param name="queueSize">The size of each buffer of the queue in bytes.</param>
    internal static FrameCapture Start(
        CaptureTap tap, CaptureOptions options, Stream stream, string? path, TimeProvider time, ILogger log, int queueSize = QueueSize)
    {
        var capture = new FrameCapture(tap, options, stream, path, time, log, queueSize);

        // Added to the tap before it runs, since a capture that fails immediately removes itself.
        var run = new Task<Task<CaptureEnd>>(capture.RunAsync);
        capture.Completion = run.Unwrap();
        tap.Add(capture);
        run.Start(TaskScheduler.Default);
        CaptureLog.Started(log, options.Network is { } network ? $"network {network}" : "all networks", capture._target);
        return capture;
    }

    /// <summary>Captures no further frames; those queued before are still written.</summary>
    internal void End()
    {
        _tap.Remove(this);
        _queue.End();
    }

    /// <summary>Queues a frame, or drops it if the queue is full.</summary>
    internal void Add(in CapturedFrame frame) => _queue.Add(frame);

    private async Task<CaptureEnd> RunAsync()
    {
        long written = 0;
        try
        {
            while (await _queue.NextAsync(_abandoned.Token).ConfigureAwait(false) is { IsEmpty: false } blocks)
            {
                // Only whole blocks are written, so that the file of a killed process ends with a whole block.
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

    /// <summary>Truncates the file to what was written successfully, as a failed write may leave a partial block.</summary>
    private void CutOff(long written)
    {
        try
        {
            _file?.SetLength(written);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ObjectDisposedException or NotSupportedException)
        {
            // Ignored: only the first error is reported.
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
            // Ignored: everything that could be written has been.
        }
    }
}
