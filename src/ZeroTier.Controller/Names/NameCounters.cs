namespace ZeroTier.Controller.Names;

/// <summary>The counters behind <see cref="NameStatistics"/>. Updated by interlocked operations.</summary>
internal sealed class NameCounters
{
    public long DatagramAnswers;
    public long StreamAnswers;
    public long Ignored;
    public long Strangers;
    public long RateLimited;
    public long ConnectionsRefused;

    public NameStatistics Read() => new()
    {
        DatagramAnswers = Interlocked.Read(ref DatagramAnswers),
        StreamAnswers = Interlocked.Read(ref StreamAnswers),
        Ignored = Interlocked.Read(ref Ignored),
        Strangers = Interlocked.Read(ref Strangers),
        RateLimited = Interlocked.Read(ref RateLimited),
        ConnectionsRefused = Interlocked.Read(ref ConnectionsRefused),
    };
}
