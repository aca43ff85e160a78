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
/// Follows the configuration while the host runs: options are made and checked anew when it changes; those that are wrong are not used, and
/// one line says why. Not by <see cref="IOptionsMonitor{TOptions}"/>, which throws what is wrong at whoever has changed the configuration.
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
    /// <summary>After what time something that failed is tried again.</summary>
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(30);

    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);
    private ZeroTierNodeOptions? _current;
    private string _said = "";
    private IReadOnlySet<string> _forRestart = new HashSet<string>();
    private bool _tryAgain;

    /// <summary>The options that were last taken into use, as far as a host that runs can.</summary>
    public ZeroTierNodeOptions Current => Volatile.Read(ref _current) ?? options.Value;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Where no node runs by the settings themselves, their change is still told.
        if ((node.LeftOut is not null && options.Value.Enabled) || services.GetService<IConfiguration>() is not { } configuration)
        {
            return;
        }

        var reloaded = new StateSignal(PipeScheduler.ThreadPool);
        using var registration = ChangeToken.OnChange(configuration.GetReloadToken, reloaded.Pulse);
        while (true)
        {
            // The signal first, then the look. The first look is for what has changed since the options were read.
            var next = reloaded.Next;
            try
            {
                await FollowAsync(stoppingToken).ConfigureAwait(false);
                await next.WaitAsync(
                    _tryAgain ? RetryInterval : Timeout.InfiniteTimeSpan, timeProvider, stoppingToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Time to try again.
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // Not thrown on: a host that is disposed of without a stop would take it for a fault, and its services may be gone already.
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
            // Nothing of the rest fits what runs.
            Say(NodeLog.EnabledForRestart, now.Enabled
                ? "true: restart the application to start the node"
                : "false: restart the application to end the node");
            return;
        }

        var change = new SettingsChange(Current, now, SectionReader.Differences(Current.Section, now.Section));
        if (change.Before.DevelopmentNetworkSelected != now.DevelopmentNetworkSelected)
        {
            // Another node.
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

        // Compared with what the node was started with: a setting that is as it was then needs no restart.
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
            // Also what the application's own configuration of the options throws.
            Say(NodeLog.SettingsRefused, exception.Message);
            return null;
        }
    }

    /// <summary>Sources of configuration may report one change several times.</summary>
    private void Say(Action<ILogger, string> log, string text)
    {
        if (_said != text)
        {
            _said = text;
            log(_logger, text);
        }
    }
}
