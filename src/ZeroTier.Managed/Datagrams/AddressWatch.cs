using System.Net.NetworkInformation;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams;

/// <summary>
/// Triggers reading the machine's addresses: every 30 s (docs/protocol/2-vl1.md 2.17), and a second after the system reports a change, so
/// that a machine that moves to another network is reachable quickly.
/// </summary>
internal sealed class AddressWatch : IAsyncDisposable
{
    /// <summary>The longest time between two readings.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    // Changes come in bursts: the old address goes, the new one comes, the routes follow.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Func<Task> _look;
    private readonly ITimer _timer;
    private readonly bool _reported;
    private Task _looking = Task.CompletedTask;
    private bool _busy;
    private bool _again;
    private bool _disposed;

    /// <summary>Begins to watch.</summary>
    /// <param name="look">Looks at the addresses; must not throw. Never called twice at a time.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Takes what cannot be watched.</param>
    public AddressWatch(Func<Task> look, TimeProvider time, ILogger log)
    {
        _look = look;
        _timer = time.CreateTimer(static watch => ((AddressWatch)watch!).OnTimer(), this, Interval, Interval);
        try
        {
            NetworkChange.NetworkAddressChanged += OnChange;
            _reported = true;
        }
        catch (Exception e) when (e is NetworkInformationException or PlatformNotSupportedException)
        {
            UdpLog.ChangesNotReported(log, e.Message, Interval);
        }
    }

    /// <summary>Ends watching. No look runs any more when it completes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_reported)
        {
            NetworkChange.NetworkAddressChanged -= OnChange;
        }

        Task looking;
        lock (_lock)
        {
            _disposed = true;
            looking = _looking;
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        await looking.ConfigureAwait(false);
    }

    private void OnChange(object? sender, EventArgs e)
    {
        lock (_lock)
        {
            _again = _busy;
        }

        _timer.Change(Settling, Interval);
    }

    private void OnTimer()
    {
        lock (_lock)
        {
            if (!_disposed && !_busy)
            {
                _busy = true;
                _looking = LookAsync();
            }
        }
    }

    private async Task LookAsync()
    {
        // Not under the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _look().ConfigureAwait(false);
        bool again;
        lock (_lock)
        {
            _busy = false;
            again = _again;
            _again = false;
        }

        if (again)
        {
            // Read again: the change may have happened after the addresses were read.
            _timer.Change(Settling, Interval);
        }
    }
}
