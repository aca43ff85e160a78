namespace ZeroTier.Controller;

/// <summary>The counters of a controller. Thread-safe.</summary>
internal sealed class ControllerCounters
{
    private readonly long[] _counts = new long[Enum.GetValues<ControllerCount>().Length];

    public void Add(ControllerCount count, long number = 1) => Interlocked.Add(ref _counts[(int)count], number);

    public ControllerStatistics Read() => new()
    {
        Requests = Of(ControllerCount.Request),
        RequestsTooSoon = Of(ControllerCount.RequestTooSoon),
        RequestsDropped = Of(ControllerCount.RequestDropped),
        Replies = Of(ControllerCount.Reply),
        Refusals = Of(ControllerCount.Refusal),
        IdentityMismatches = Of(ControllerCount.IdentityMismatch),
        Pushes = Of(ControllerCount.Push),
        Revocations = Of(ControllerCount.Revocation),
        StrangersForgotten = Of(ControllerCount.StrangerForgotten),
        StrangersNotRecorded = Of(ControllerCount.StrangerNotRecorded),
        StoreFailures = Of(ControllerCount.StoreFailure),
    };

    private long Of(ControllerCount count) => Interlocked.Read(ref _counts[(int)count]);
}

/// <summary>The counted events.</summary>
internal enum ControllerCount
{
    Request,
    RequestTooSoon,
    RequestDropped,
    Reply,
    Refusal,
    IdentityMismatch,
    Push,
    Revocation,
    StrangerForgotten,
    StrangerNotRecorded,
    StoreFailure,
}
