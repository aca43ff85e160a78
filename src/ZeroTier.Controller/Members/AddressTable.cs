using System.Net;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Members;

/// <summary>Which member of a network has which address. Where records give one address to several, the oldest record has it, in whatever order they come: all
/// processes on a store, and each after a restart, say the same. Not thread-safe.</summary>
internal sealed class AddressTable
{
    private readonly Dictionary<IpAddress, List<(DateTimeOffset Created, NodeId Node)>> _holders = [];

    /// <summary>Grows when an address becomes free.</summary>
    public int Releases { get; private set; }

    public bool IsTaken(in IpAddress address) => _holders.ContainsKey(address);

    /// <summary>The member that has an address; null for nobody.</summary>
    public NodeId? HolderOf(in IpAddress address) => _holders.TryGetValue(address, out var holders) ? holders[0].Node : null;

    /// <summary>Other members whose records have an address of this one.</summary>
    public IEnumerable<NodeId> RivalsOf(ControllerMember record) => record.Addresses
        .SelectMany(a => _holders.TryGetValue(IpAddress.From(a), out var holders) ? holders.Select(h => h.Node) : []).Where(n => n != record.Node).Distinct();

    /// <summary>Notes the addresses of a record in place of those that it had before.</summary>
    public void Replace(ControllerMember record, IEnumerable<IPAddress> before, IEnumerable<IPAddress> after)
    {
        HashSet<IpAddress> old = [.. before.Select(IpAddress.From)], now = [.. after.Select(IpAddress.From)];
        (DateTimeOffset, NodeId) holder = (record.CreationTime, record.Node);
        foreach (IpAddress address in old)
        {
            if (!now.Contains(address) && _holders.TryGetValue(address, out var holders) && holders.Remove(holder))
            {
                Releases++;
                if (holders.Count == 0)
                {
                    _holders.Remove(address);
                }
            }
        }

        foreach (IpAddress address in now)
        {
            if (old.Contains(address))
            {
                continue;
            }

            if (!_holders.TryGetValue(address, out var holders))
            {
                _holders[address] = holders = new List<(DateTimeOffset, NodeId)>(1);
            }

            holders.Add(holder);
            holders.Sort();
        }
    }

    /// <summary>As <see cref="Replace"/>, to take back what was given out a moment ago: nothing becomes free that was not before.</summary>
    public void Undo(ControllerMember record, IEnumerable<IPAddress> before, IEnumerable<IPAddress> after)
    {
        int releases = Releases;
        Replace(record, before, after);
        Releases = releases;
    }
}
