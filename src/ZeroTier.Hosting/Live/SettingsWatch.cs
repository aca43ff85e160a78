using System.IO.Pipelines;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using ZeroTier.Engines;

namespace ZeroTier.Hosting.Live;

/// <summary>
/// Follows the configuration at run time: when it changes, options are built and validated again; invalid options are not used, and one log
/// message says why. Does not use <see cref="IOptionsMonitor{TOptions}"/>, which would throw validation errors at the code that changed the
/// configuration.
/// </summary>
internal sealed class SettingsWatch(
    IServiceProvider services,
    IOptions<ZeroTierNodeOptions> options,
    NodeHost node,
    IEnumerable<ISettingsFollower> followers,
    TimeProvider timeProvider,
    ILoggerFactory loggerFactory)
    : BackgroundService
{
    /// <summary>The time after which a failed change is retried.</summary>
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(30);

    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);
    private ZeroTierNodeOptions? _current;
    private string _said = "";
    private IReadOnlySet<string> _forRestart = new HashSet<string>();
    private bool _tryAgain;

    /// <summary>The options that were last applied; settings that need a restart differ from those in effect.</summary>
    public ZeroTierNodeOptions Current => Volatile.Read(ref _current) ?? options.Value;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Nothing to follow under TestServer. With Enabled=false it goes on, to log that a change of Enabled needs a restart.
        if ((node.LeftOut is not null && options.Value.Enabled) || services.GetService<IConfiguration>() is not { } configuration)
        {
            return;
        }

        var reloaded = new StateSignal(PipeScheduler.ThreadPool);
        using var registration = ChangeToken.OnChange(configuration.GetReloadToken, reloaded.Pulse);
        while (true)
        {
            // Take the signal before reading, so that no change is missed. The first pass finds changes since the options were read at
            // start.
            var next = reloaded.Next;
            try
            {
                await FollowAsync(stoppingToken).ConfigureAwait(false);
                await next.WaitAsync(
                    _tryAgain ? RetryInterval : Timeout.InfiniteTimeSpan, timeProvider, stoppingToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // The retry interval has passed.
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // Not rethrown: a host that is disposed without being stopped would treat it as a failure, and its services may be disposed
                // already.
                return;
            }
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        if (Read(cancellationToken) is not { } now)
        {
            return;
        }

        if (now.Enabled != options.Value.Enabled)
        {
            // The other settings cannot be applied before the restart.
            Say(NodeLog.EnabledForRestart, now.Enabled
                ? "true: restart the application to start the node"
                : "false: restart the application to end the node");
            return;
        }

        var change = new SettingsChange(Current, now, SectionReader.Differences(Current.Section, now.Section));
        if (change.Before.DevelopmentNetworkSelected != now.DevelopmentNetworkSelected)
        {
            // That is a different node, which needs a restart.
            Say(NodeLog.SettingsForRestart, string.Join(", ", change.Settings));
            return;
        }

        _said = "";
        if (now.Enabled && (change.Settings.Count > 0 || _tryAgain))
        {
            await FollowAsync(change, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FollowAsync(SettingsChange change, CancellationToken cancellationToken)
    {
        string[] live = [.. followers.SelectMany(follower => follower.Settings)];

        // Compared with the settings at start: one that is changed back needs no restart.
        change.ForRestart.UnionWith(
            SectionReader.Differences(options.Value.Section, change.Now.Section).Except(live, StringComparer.OrdinalIgnoreCase));
        foreach (var follower in followers)
        {
            try
            {
                await follower.FollowAsync(change, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // A background service that throws would end the host.
                NodeLog.SettingsNotFollowed(_logger, string.Join(", ", follower.Settings), exception);
                change.ForRestart.UnionWith(follower.Settings.Intersect(change.Settings, StringComparer.OrdinalIgnoreCase));
            }
        }

        _tryAgain = change.TryAgain;
        Volatile.Write(ref _current, change.Now);
        string followed = string.Join(
            ", ",
            change.Settings.Intersect(live, StringComparer.OrdinalIgnoreCase).Except(change.ForRestart, StringComparer.OrdinalIgnoreCase));
        if (followed.Length > 0)
        {
            NodeLog.SettingsFollowed(_logger, followed);
        }

        if (!change.ForRestart.IsSubsetOf(_forRestart))
        {
            NodeLog.SettingsForRestart(_logger, string.Join(", ", change.ForRestart));
        }

        _forRestart = change.ForRestart;
    }

    private ZeroTierNodeOptions? Read(CancellationToken cancellationToken)
    {
        try
        {
            using var scope = services.CreateScope();
            return scope.ServiceProvider.GetRequiredService<IOptionsSnapshot<ZeroTierNodeOptions>>().Value;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Also catches exceptions of the application's own delegates that configure the options.
            Say(NodeLog.SettingsRefused, exception.Message);
            return null;
        }
    }

    /// <summary>Logs a message unless it is the same as the last one: configuration sources may report one change several times.</summary>
    private void Say(Action<ILogger, string> log, string text)
    {
        if (_said != text)
        {
            _said = text;
            log(_logger, text);
        }
    }
}
