using System.Diagnostics;

namespace EndToEnd.Scale;

/// <summary>Requests on all connections of a client, until it is stopped.</summary>
internal sealed class EchoLoad
{
    private readonly Task _loops;
    private long _done;
    private long _longest;
    private volatile bool _stop;

    public EchoLoad(EchoClient client) => _loops = Task.WhenAll(client.Connections.Select(connection => Task.Run(async () =>
    {
        while (!_stop)
        {
            long start = Stopwatch.GetTimestamp();
            await EchoClient.RequestAsync(connection);
            Interlocked.Increment(ref _done);
            NoteWait(Stopwatch.GetTimestamp() - start);
        }
    })));

    /// <summary>Requests answered so far.</summary>
    public long Done => Interlocked.Read(ref _done);

    /// <summary>The longest time from a request to its answer.</summary>
    public TimeSpan LongestWait => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _longest));

    public Task StopAsync()
    {
        _stop = true;
        return _loops;
    }

    private void NoteWait(long ticks)
    {
        for (long longest = Volatile.Read(ref _longest); ticks > longest; longest = Volatile.Read(ref _longest))
        {
            Interlocked.CompareExchange(ref _longest, ticks, longest);
        }
    }
}
