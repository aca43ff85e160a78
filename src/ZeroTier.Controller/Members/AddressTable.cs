using System.Net;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Members;

/// <summary>Which member of a network has which address. Where records give one address to several, the first has it. Not thread-safe.</summary>
internal sealed class AddressTable
{
    private readonly Dictionary<IpAddress, List<NodeId>> _holders = [];

    /// <summary>Grows when an address becomes free.</summary>
    public int Releases { get; private set; }

    public bool IsTaken(in IpAddress address) => _holders.ContainsKey(address);

    /// <summary>The member that has an address; null for nobody.</summary>
    public NodeId? HolderOf(in IpAddress address) => _holders.TryGetValue(address, out List<NodeId>? holders) ? holders[0] : null;

    /// <summary>Notes the addresses of a record in place of those that it had before.</summary>
    public void Replace(NodeId node, IEnumerable<IPAddress> before, IEnumerable<IPAddress> after)
    {
        HashSet<IpAddress> old = [.. before.Select(IpAddress.From)], now = [.. after.Select(IpAddress.From)];
        foreach (IpAddress address in old)
        {
            if (!now.Contains(address) && _holders.TryGetValue(address, out List<NodeId>? holders) && holders.Remove(node))
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

            if (!_holders.TryGetValue(address, out List<NodeId>? holders))
            {
                _holders[address] = holders = new List<NodeId>(1);
            }

            holders.Add(node);
        }
    }
}
