namespace Transport.Functional.Tests.Support;

/// <summary>Bounded waiting. The limit only ends what hangs; nothing is judged by its speed.</summary>
internal static class Wait
{
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(30);

    public static Task LimitedAsync(this Task task) => task.WaitAsync(Limit, CancellationToken.None);

    public static Task<T> LimitedAsync<T>(this Task<T> task) => task.WaitAsync(Limit, CancellationToken.None);

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Did not happen: {what}");
            await Task.Delay(5, CancellationToken.None);
        }
    }

    /// <summary>Ends when the token is cancelled.</summary>
    public static async Task CancelledAsync(CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = token.Register(cancelled.SetResult);
        await cancelled.Task.LimitedAsync();
    }

    /// <summary>Ends when a number that is above zero no longer grows.</summary>
    public static async Task UntilStillAsync(Func<long> progress)
    {
        using var limit = new CancellationTokenSource(Limit);
        long before = 0;
        for (int still = 0; still < 5;)
        {
            Assert.False(limit.IsCancellationRequested, $"Still moving, or never began, at {before}.");
            await Task.Delay(50, CancellationToken.None);
            long now = progress();
            still = now > 0 && now == before ? still + 1 : 0;
            before = now;
        }
    }
}
