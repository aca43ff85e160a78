using Kestrel.Transport.ZeroTier.Authentication;
using Microsoft.Extensions.Options;
using ZeroTier.Hosting.Live;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Puts changed access lists into force, those of all endpoints and those of one. Endpoints themselves are Kestrel's, which has no way to add one in code
/// while it runs: what changes in them needs a restart.
/// </summary>
internal sealed class ServerSettingsFollower(AccessControl access, IOptions<ZeroTierOptions> atStart) : ISettingsFollower
{
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
            if (!access.Follow(now))
            {
                change.ForRestart.UnionWith([AllowedSettings.Nodes, AllowedSettings.Networks]);
            }
        }

        if (change.Settings.Contains(nameof(now.Listen)) || change.Settings.Contains(nameof(now.Networks)))
        {
            bool same = ReplaceLists(now);
            access.ForgetNamed();

            // An endpoint whose network was left waits for it.
            if (!same || KestrelEndpoints.Configured(now).Except(KestrelEndpoints.Configured(atStart.Value)).Any())
            {
                change.ForRestart.Add(nameof(now.Listen));
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Gives the endpoints that are served the lists that they have now; false where one is no longer there, or is another.</summary>
    private bool ReplaceLists(ZeroTierOptions now)
    {
        bool same = true;
        var left = now.ListenEntries.ToList();
        foreach (var served in atStart.Value.ListenEntries)
        {
            int i = left.FindIndex(entry => (entry.Network, entry.Port) == (served.Network, served.Port) && Equals(entry.Address, served.Address));
            if (i < 0)
            {
                same = false;
                continue;
            }

            same &= served.Access.Follow(left[i].Access) & (left[i].Protocols, left[i].Https) == (served.Protocols, served.Https);
            left.RemoveAt(i);
        }

        return same && left.Count == 0;
    }
}
