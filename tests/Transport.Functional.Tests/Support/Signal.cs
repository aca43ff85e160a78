namespace Transport.Functional.Tests.Support;

/// <summary>Something that happens once, with or without a value. Waiting is bounded.</summary>
internal sealed class Signal<T>
{
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsSet => _source.Task.IsCompleted;

    public void Set(T value) => _source.TrySetResult(value);

    public Task<T> WaitAsync() => _source.Task.LimitedAsync();
}

/// <inheritdoc cref="Signal{T}"/>
internal sealed class Signal
{
    private readonly Signal<bool> _inner = new();

    public bool IsSet => _inner.IsSet;

    public void Set() => _inner.Set(true);

    public Task WaitAsync() => _inner.WaitAsync();
}
