namespace ZeroTier.Cli;

/// <summary>The end of commands that run until Ctrl-C or SIGTERM.</summary>
internal static class Cancelled
{
    /// <summary>Waits for cancellation, and takes it as the ordinary end.</summary>
    public static Task WaitAsync(CancellationToken cancellationToken)
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cancellationToken.Register(end.SetResult);
        return end.Task;
    }
}
