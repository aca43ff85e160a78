namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>Writes down what it hears.</summary>
internal sealed class RecordingObserver : IZeroTierConnectionObserver
{
    private readonly List<(string Call, ZeroTierConnection Connection)> _calls = [];

    public bool Throws { get; init; }

    public TaskCompletionSource Paused { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Resumed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_calls)
            {
                return [.. _calls.Select(c => c.Call)];
            }
        }
    }

    public IReadOnlyList<ZeroTierConnection> Connections
    {
        get
        {
            lock (_calls)
            {
                return [.. _calls.Select(c => c.Connection)];
            }
        }
    }

    public void OnPaused(ZeroTierConnection connection)
    {
        Note("paused", connection);
        Paused.TrySetResult();
    }

    public void OnResumed(ZeroTierConnection connection)
    {
        Note("resumed", connection);
        Resumed.TrySetResult();
    }

    public void OnFinReceived(ZeroTierConnection connection) => Note("fin received", connection);

    public void OnResetReceived(ZeroTierConnection connection) => Note("reset received", connection);

    public void OnFinSent(ZeroTierConnection connection) => Note("fin sent", connection);

    public void OnResetSent(ZeroTierConnection connection, ZeroTierException reason) => Note("reset sent", connection);

    private void Note(string call, ZeroTierConnection connection)
    {
        lock (_calls)
        {
            _calls.Add((call, connection));
        }

        if (Throws)
        {
            throw new InvalidOperationException("An observer that throws.");
        }
    }
}
