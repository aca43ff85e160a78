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
}
