using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier.Hosting.Node;
using ZeroTier.Managed;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>
/// Provides the controller of a host. It is opened at the host's start or at first use, and disposed after the node that hosts it.
/// Thread-safe.
/// </summary>
public sealed class NetworkControllerHost : IControllerSource, IAsyncDisposable, IDisposable
{
    private readonly ZeroTierControllerOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly ILoggerFactory _loggerFactory;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private Task<NetworkController>? _opening;
    private Task? _close;

    internal NetworkControllerHost(IOptions<ZeroTierControllerOptions> options, TimeProvider timeProvider, ILoggerFactory loggerFactory)
    {
        _options = options.Value;
        _timeProvider = timeProvider;
        _loggerFactory = loggerFactory;
    }

    /// <summary>Waits until the controller is open and returns it.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ObjectDisposedException">The host has ended.</exception>
    public async ValueTask<NetworkController> GetAsync(CancellationToken cancellationToken = default)
    {
        Task<NetworkController> opening;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_close is not null, this);
            opening = _opening ??= OpenOnceAsync();
        }

        return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    async ValueTask<INetworkController> IControllerSource.OpenAsync(CancellationToken cancellationToken) =>
        await GetAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    /// <summary>For containers that are disposed synchronously; the controller is then closed in the background.</summary>
    public void Dispose() => _ = CloseAsync();

    private Task CloseAsync()
    {
        lock (_gate)
        {
            return _close ??= CloseOnceAsync(_opening);
        }
    }

    private async Task<NetworkController> OpenOnceAsync()
    {
        // The caller holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (_options.Store is null)
        {
            ControllerApiLog.StoreInMemory(_loggerFactory.CreateLogger(ControllerApiLog.Category));
        }

        var options = new NetworkControllerOptions
        {
            Store = _options.Store ?? new MemoryControllerStore(),
            MaxUnauthorizedMembers = _options.MaxUnauthorizedMembers,
            MaxMembersPerNetwork = _options.MaxMembersPerNetwork,
            TimeProvider = _timeProvider,
            LoggerFactory = _loggerFactory,
        };
        return await NetworkController.OpenAsync(options, _closing.Token).ConfigureAwait(false);
    }

    private async Task CloseOnceAsync(Task<NetworkController>? opening)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _closing.CancelAsync().ConfigureAwait(false);
        if (opening is not null)
        {
            // A failure to open was reported to the callers of GetAsync.
            await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (opening.IsCompletedSuccessfully)
            {
                await (await opening.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            }
        }

        _closing.Dispose();
    }
}
