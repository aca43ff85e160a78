using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZeroTier;
using ZeroTier.Engines;
using ZeroTier.Hosting.Live;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Puts changed access lists into force, those of all endpoints and those of one, and shows Kestrel the endpoints of
/// <c>ZeroTier:Listen</c>. Endpoints that the application made in code are what they were at start.
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

    // What the lists and endpoints that are in use lack still, until they change again.
    private bool _listsKept;
    private bool _endpointsForRestart;

    // Members are read by authentication, and what belongs to health whenever it is asked for.
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

    /// <summary>False where something stays as it was.</summary>
    private bool FollowEndpoints(ZeroTierOptions now)
    {
        var change = section.Follow(now);
        if (change.IsNone)
        {
            return !change.ListsKept;
        }

        // A server that has not bound those of the start, which was told then, binds no others.
        if (!section.IsFollowed || listeners.Missing is not null)
        {
            return false;
        }

        static string Names(IEnumerable<ServedEndPoint> endPoints) =>
            string.Join(", ", endPoints.Select(served => served.EndPoint)) is { Length: > 0 } names ? names : "none";
        TransportLog.EndPointsChanged(_logger, Names(change.Added), Names(change.Gone), Names(change.Changed));
        return !change.ListsKept;
    }

    /// <summary>Whether what the application makes in code is served already. An endpoint whose network was left waits for it.</summary>
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
