using System.Diagnostics;
using System.IO.Pipelines;

namespace Paths.RealTime;

/// <summary>A connection to be filled: where the sender writes, where the receiver reads, and how to reset it.</summary>
internal sealed record Transfer(PipeWriter Output, PipeReader Input, Action Abort)
{
    /// <summary>Gives back what the pipes hold, when nobody reads or writes any more.</summary>
    public void Complete()
    {
        Input.Complete();
        Output.Complete(new OperationCanceledException());
    }
}

/// <summary>What a contestant has reached.</summary>
/// <param name="BytesPerSecond">What all receivers together have read, from the first byte sent.</param>
/// <param name="LateShare">Share of packets that came more than a millisecond after their time: how far the machine was the limit.</param>
internal readonly record struct Measurement(double BytesPerSecond, double LateShare);

/// <summary>A TCP with two hosts and the path between them.</summary>
/// <param name="name">What it is called in the table.</param>
/// <param name="down">From sender to receiver.</param>
/// <param name="up">From receiver to sender.</param>
internal abstract class Contestant(string name, EmulatedLink down, EmulatedLink up)
{
    // Connections are reset between measures, and what they had on the way goes.
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);
    private static readonly byte[] s_block = new byte[64 * 1024];

    public string Name => name;

    /// <summary>Opens connections; then sends for a time on all of them.</summary>
    public async Task<Measurement> MeasureAsync(LinkConditions conditions, int streams, TimeSpan duration, ulong seed)
    {
        Reset(conditions.DelayOnly, seed);
        var transfers = await OpenAsync(streams);
        Reset(conditions, seed);
        long received = 0;
        var watch = Stopwatch.StartNew();
        List<Task> work =
        [
            .. transfers.Select(transfer => WriteAsync(transfer.Output)),
            .. transfers.Select(transfer => ReadAsync(transfer.Input, count => Interlocked.Add(ref received, count))),
        ];
        var early = await Task.WhenAny([Task.Delay(duration), .. work]);
        var measured = new Measurement(Interlocked.Read(ref received) / watch.Elapsed.TotalSeconds, Math.Max(down.LateShare, up.LateShare));
        bool ended = work.Contains(early);

        Reset(conditions.DelayOnly, seed);
        transfers.ForEach(transfer => transfer.Abort());
        await Task.WhenAll(work);
        transfers.ForEach(transfer => transfer.Complete());
        await Task.Delay(2 * conditions.Delay + s_pause);
        return ended ? throw new InvalidOperationException($"A connection of {Name} has ended by itself.") : measured;
    }

    /// <summary>Opens connections.</summary>
    protected abstract Task<List<Transfer>> OpenAsync(int streams);

    private static async Task WriteAsync(PipeWriter writer)
    {
        try
        {
            while (!(await writer.WriteAsync(s_block)).IsCompleted)
            {
            }
        }
        catch (Exception e) when (IsAbort(e))
        {
        }
    }

    private static async Task ReadAsync(PipeReader reader, Action<long> count)
    {
        try
        {
            while (await reader.ReadAsync() is { IsCompleted: false } result)
            {
                count(result.Buffer.Length);
                reader.AdvanceTo(result.Buffer.End);
            }
        }
        catch (Exception e) when (IsAbort(e))
        {
        }
    }

    private static bool IsAbort(Exception e) => e is IOException or ObjectDisposedException or OperationCanceledException;

    private void Reset(LinkConditions conditions, ulong seed)
    {
        down.Reset(conditions, seed);
        up.Reset(conditions, seed + 1);
    }
}
