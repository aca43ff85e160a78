using System.Net.Sockets;

namespace ZeroTier.Managed.Vl1.Paths;

/// <summary>Our external addresses, as peers report them (docs/protocol/2-vl1.md 2.14). Bounded; guarded by the control lock.</summary>
internal sealed class ExternalAddressReports
{
    private readonly Dictionary<Key, Report> _reports = [];

    public int Count => _reports.Count;

    /// <summary>Adds a report that was received directly, not through a relay.</summary>
    /// <returns>True when a root sees us at another IP address than before: paths of this family and scope must be probed.</returns>
    public bool Add(
        NodeId reporter, bool isUpstream, int socket, in InetEndPoint reporterEndPoint, in InetEndPoint seen, long now, bool allowLoopback)
    {
        var scope = IpScopes.Of(seen);
        if (seen.Port == 0 || scope != IpScopes.Of(reporterEndPoint) || scope is IpScope.None or IpScope.Multicast
            || (scope == IpScope.Loopback && !allowLoopback))
        {
            return false;
        }

        var key = new Key(reporter, socket, reporterEndPoint, scope);
        bool known = _reports.TryGetValue(key, out var former);
        bool moved = isUpstream && known && now - former.Time < Vl1Timing.ExternalAddressReport && !former.Seen.HasSameAddress(seen);
        if (moved)
        {
            foreach (var (other, _) in _reports)
            {
                if (other.Scope == scope && other.ReporterEndPoint != reporterEndPoint)
                {
                    _reports.Remove(other);
                }
            }
        }

        if (!known && _reports.Count >= Vl1Limits.ExternalAddressReports)
        {
            if (!isUpstream)
            {
                return false;
            }

            // Evicts a report by a peer; one by a root only when there is no other.
            _reports.Remove(_reports.OrderBy(r => r.Value.IsUpstream).First().Key);
        }

        _reports[key] = new Report(seen, isUpstream, now);

        return moved;
    }

    /// <summary>Adds the reported addresses, without duplicates, up to the limit.</summary>
    public void AddTo(List<InetEndPoint> endPoints, int limit)
    {
        foreach (var report in _reports.Values)
        {
            if (endPoints.Count >= limit)
            {
                return;
            }

            if (!endPoints.Contains(report.Seen))
            {
                endPoints.Add(report.Seen);
            }
        }
    }

    /// <summary>Removes the reports about these sockets.</summary>
    public void Forget(Predicate<int> socket)
    {
        foreach (var key in _reports.Keys)
        {
            if (socket(key.Socket))
            {
                _reports.Remove(key);
            }
        }
    }

    /// <summary>Removes old reports.</summary>
    public void Expire(long now)
    {
        foreach (var (key, report) in _reports)
        {
            if (now - report.Time >= Vl1Timing.ExternalAddressReport)
            {
                _reports.Remove(key);
            }
        }
    }

    private readonly record struct Key(NodeId Reporter, int Socket, InetEndPoint ReporterEndPoint, IpScope Scope);

    private readonly record struct Report(InetEndPoint Seen, bool IsUpstream, long Time);
}
