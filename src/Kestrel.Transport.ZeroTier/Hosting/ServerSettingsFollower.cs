using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;
using ZeroTier.Hosting.Live;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Applies configuration changes at run time: access lists (of all endpoints and of single ones) and the endpoints of
/// <c>ZeroTier:Listen</c>, which are passed on to Kestrel. Endpoints made in code stay as they were at start.
/// </summary>
internal sealed class ServerSettingsFollower(
    AccessControl access,
    KestrelSection section,
    ListenerRegistry listeners,
    IOptions<ZeroTierOptions> atStart,
    ILoggerFactory loggerFactory)
    : ISettingsFollower
{
    private readonly ILogger _logger = NonThrowingLogger.Create(loggerFactory, NodeLog.Category);

    // Whether the last change of the lists, or of the endpoints, could not be applied completely and needs a restart.
    private bool _listsKept;
    private bool _endpointsForRestart;

    // Members are read by the authentication options, health settings by each health check; listed here because they need no restart
    // either.
    public IReadOnlyCollection<string> Settings { get; } =
    [
        AllowedSettings.Nodes, AllowedSettings.Networks, nameof(ZeroTierOptions.Listen), MembersSection.Name,
        nameof(ZeroTierHealthOptions.RequireDirect), nameof(ZeroTierHealthOptions.OfflineGracePeriod),
    ];

    public ValueTask FollowAsync(SettingsChange change, CancellationToken cancellationToken)
    {
        var now = (ZeroTierOptions)change.Now;
        if (change.Settings.Contains(AllowedSettings.Nodes) || change.Settings.Contains(AllowedSettings.Networks))
        {
            _listsKept = !access.Follow(now);
        }

        if (change.Settings.Contains(nameof(now.Listen)) || change.Settings.Contains(nameof(now.Networks)))
        {
            _endpointsForRestart = !FollowEndpoints(now) || !HasEndpointsInCodeOfStart(now);
            access.ForgetNamed();
        }

        if (_listsKept)
        {
            change.ForRestart.UnionWith([AllowedSettings.Nodes, AllowedSettings.Networks]);
        }

        if (_endpointsForRestart)
        {
            change.ForRestart.Add(nameof(now.Listen));
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>False when part of the change was not applied.</summary>
    private bool FollowEndpoints(ZeroTierOptions now)
    {
        var change = section.Follow(now);
        if (change.IsNone)
        {
            return !change.ListsKept;
        }

        // A server that did not bind the endpoints at start (reported then) will not bind new ones either.
        if (!section.IsFollowed || listeners.Missing is not null)
        {
            return false;
        }

        static string Names(IEnumerable<ServedEndPoint> endPoints) =>
            string.Join(", ", endPoints.Select(served => served.EndPoint)) is { Length: > 0 } names ? names : "none";
        TransportLog.EndPointsChanged(_logger, Names(change.Added), Names(change.Gone), Names(change.Changed));
        return !change.ListsKept;
    }

    /// <summary>
    /// Whether all endpoints made in code were already there at start. One whose network has been left only waits for it, so it needs no
    /// restart.
    /// </summary>
    private bool HasEndpointsInCodeOfStart(ZeroTierOptions now)
    {
        var served = EndPointsInCode(atStart.Value);
        var missing = EndPointsInCode(now);
        missing.RemoveAll(served.Remove);
        return missing.Count == 0 && EntriesInCode(now) == EntriesInCode(atStart.Value);
    }

    private static List<ZeroTierEndPoint> EndPointsInCode(ZeroTierOptions options) =>
        [.. options.ListenEntries.Where(entry => entry.Kestrel is null).SelectMany(entry => KestrelEndpoints.Configured(options, entry))];

    private static int EntriesInCode(ZeroTierOptions options) => options.ListenEntries.Count(entry => entry.Kestrel is null);
}
