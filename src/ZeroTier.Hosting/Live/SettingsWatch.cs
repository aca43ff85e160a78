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
/// Follows the configuration while the host runs: options are made and checked anew when it changes; those that are wrong are not used, and one line says why.
/// Not by <see cref="IOptionsMonitor{TOptions}"/>, which throws what is wrong at whoever has changed the configuration.
/// </summary>
internal sealed class SettingsWatch(
    IServiceProvider services, IOptions<ZeroTierNodeOptions> options, NodeHost node, IEnumerable<ISettingsFollower> followers, ILoggerFactory loggerFactory)
    : BackgroundService
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);
    private ZeroTierNodeOptions? _current;
    private string _said = "";

    /// <summary>The options that were last taken into use, as far as a host that runs can.</summary>
    public ZeroTierNodeOptions Current => Volatile.Read(ref _current) ?? options.Value;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (node.LeftOut is not null || services.GetService<IConfiguration>() is not { } configuration)
        {
            return;
        }

        var reloaded = new StateSignal(PipeScheduler.ThreadPool);
        using var registration = ChangeToken.OnChange(configuration.GetReloadToken, reloaded.Pulse);
        while (true)
        {
            // The signal first, then the look. The first look is for what has changed since the options were read.
            var next = reloaded.Next;
            await FollowAsync(stoppingToken).ConfigureAwait(false);
            await next.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        if (Read() is not { } now)
        {
            return;
        }

        var change = new SettingsChange(Current, now, SectionReader.Differences(Current.Section, now.Section));
        if (change.Before.Enabled != now.Enabled || change.Before.DevelopmentNetworkSelected != now.DevelopmentNetworkSelected)
        {
            // Another node, or none: nothing of the rest fits the one that runs.
            Say(NodeLog.SettingsForRestart, string.Join(", ", change.Settings));
            return;
        }

        if (change.Settings.Count == 0)
        {
            _said = "";
            return;
        }

        change.ForRestart.UnionWith(change.Settings.Except(followers.SelectMany(follower => follower.Settings), StringComparer.OrdinalIgnoreCase));
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
            }
        }

        Volatile.Write(ref _current, now);
        _said = "";
        NodeLog.SettingsFollowed(_logger, string.Join(", ", change.Settings));
        if (change.ForRestart.Count > 0)
        {
            Say(NodeLog.SettingsForRestart, string.Join(", ", change.ForRestart));
        }
    }

    private ZeroTierNodeOptions? Read()
    {
        try
        {
            using var scope = services.CreateScope();
            return scope.ServiceProvider.GetRequiredService<IOptionsSnapshot<ZeroTierNodeOptions>>().Value;
        }
        catch (Exception exception)
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
