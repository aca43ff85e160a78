namespace Observability.Tests;

/// <summary>Waits for what happens on other threads; the limit ends a test that would hang.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Did not happen: {what}");
            await Task.Delay(10, CancellationToken.None);
        }
    }
}
