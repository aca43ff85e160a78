using System.IO.Pipelines;
using ZeroTier.Engines;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>The options of the connections of one listener, or of one attempt to connect.</summary>
/// <remarks>
/// The engine's ends of the pipes run on the loop's thread, whatever <see cref="ZeroTierConnectionOptions.TransportScheduler"/> says: only
/// that thread may use the descriptor, so another scheduler would only add a hop.
/// </remarks>
internal sealed class StreamOptions
{
    private readonly int _keepAliveSeconds;

    internal StreamOptions(SocketLoop loop, ZeroTierConnectionOptions options)
    {
        options = ShieldedScheduler.Around(options, loop.Logger);
        PipeOptions input = options.InputPipeOptions;
        Input = new PipeOptions(
            input.Pool,
            input.ReaderScheduler,
            loop.Work,
            input.PauseWriterThreshold,
            input.ResumeWriterThreshold,
            input.MinimumSegmentSize,
            useSynchronizationContext: false);
        PipeOptions output = options.OutputPipeOptions;
        Output = new PipeOptions(
            output.Pool,
            loop.Work,
            output.WriterScheduler,
            output.PauseWriterThreshold,
            output.ResumeWriterThreshold,
            output.MinimumSegmentSize,
            useSynchronizationContext: false);
        Observer = new ShieldedObserver(options.Observer, loop.Logger);
        _keepAliveSeconds = options.KeepAliveTime <= TimeSpan.Zero
            ? 0
            : (int)Math.Clamp(Math.Ceiling(options.KeepAliveTime.TotalSeconds), 1, 1_000_000);
    }

    internal PipeOptions Input { get; }

    internal PipeOptions Output { get; }

    internal ShieldedObserver Observer { get; }

    /// <summary>
    /// Sets the socket options of every connection: TCP_NODELAY, and keep-alive with three probes, each a third of the idle time apart.
    /// </summary>
    internal void Apply(Descriptor descriptor)
    {
        descriptor.Set(OptionLevel.Tcp, TcpOption.NoDelay, 1);
        if (_keepAliveSeconds == 0)
        {
            return;
        }

        descriptor.Set(OptionLevel.Tcp, TcpOption.KeepIdle, _keepAliveSeconds);
        descriptor.Set(OptionLevel.Tcp, TcpOption.KeepInterval, Math.Max(1, _keepAliveSeconds / 3));
        descriptor.Set(OptionLevel.Tcp, TcpOption.KeepCount, 3);
        descriptor.Set(OptionLevel.Socket, SocketOption.KeepAlive, 1);
    }
}
