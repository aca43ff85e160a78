using System.Net.NetworkInformation;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams;

/// <summary>
/// Triggers an enumeration of the machine's addresses: every 30 s (docs/protocol/2-vl1.md 2.17), and a second after the system reports a
/// change, so that a machine that moves to another network is quickly reachable again.
/// </summary>
internal sealed class AddressWatch : IAsyncDisposable
{
    /// <summary>The longest time between two enumerations.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    // Changes come in bursts: the old address is removed, the new one added, then routes.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Func<Task> _look;
    private readonly ITimer _timer;
    private readonly bool _reported;
    private Task _looking = Task.CompletedTask;
    private bool _busy;
    private bool _again;
    private bool _disposed;

    /// <summary>Starts watching.</summary>
    /// <param name="look">Enumerates the addresses; must not throw. Calls do not overlap.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">For a message when the system does not report changes.</param>
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

    /// <summary>Stops watching. When it completes, no enumeration is running.</summary>
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
        // Yields first, because the caller holds the lock.
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
            // Enumerate again: the change may have happened after the addresses were read.
            _timer.Change(Settling, Interval);
        }
    }
}
