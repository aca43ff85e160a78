namespace ZeroTier.Controller.PostgreSql;

/// <summary>The number of the last change that this process has processed from the watch. Thread-safe.</summary>
internal sealed class ChangePosition
{
    private TaskCompletionSource _moved = NewSource();
    private long _number;

    public long Number => Interlocked.Read(ref _number);

    public void MoveTo(long number)
    {
        Interlocked.Exchange(ref _number, number);
        Interlocked.Exchange(ref _moved, NewSource()).TrySetResult();
    }

    public async Task WaitForAsync(long number, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task moved = Volatile.Read(ref _moved).Task;
            if (Number >= number)
            {
                return;
            }

            await moved.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
