namespace ZeroTier.Cli;

/// <summary>Support for commands that run until Ctrl-C or SIGTERM.</summary>
internal static class Cancelled
{
    /// <summary>Waits for cancellation, and completes without an exception.</summary>
    public static Task WaitAsync(CancellationToken cancellationToken)
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cancellationToken.Register(end.SetResult);
        return end.Task;
    }
}
