using System.Net;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Members;

/// <summary>Which member of a network has which address. Read by anybody, changed by whoever has the turn.</summary>
internal sealed class AddressTable
{
    private readonly HolderTable<IpAddress> _holders = new();

    /// <summary>Grows when an address becomes free.</summary>
    public int Releases { get; private set; }

    public bool IsTaken(in IpAddress address) => _holders.IsTaken(address);

    /// <summary>The member that has an address; null for nobody.</summary>
    public NodeId? HolderOf(in IpAddress address) => _holders.HolderOf(address);

    /// <summary>Other members whose records have an address of this one.</summary>
    public IReadOnlyList<NodeId> RivalsOf(ControllerMember record) =>
        _holders.RivalsOf(record.Node, record.Addresses.Select(IpAddress.From));

    /// <summary>Notes the addresses of a record in place of those that it had before.</summary>
    public void Replace(ControllerMember record, IEnumerable<IPAddress> before, IEnumerable<IPAddress> after) =>
        Releases += _holders.Replace(record, Set(before), Set(after));

    /// <summary>As <see cref="Replace"/>, to take back what was given out a moment ago: nothing becomes free that was not before.</summary>
    public void Undo(ControllerMember record, IEnumerable<IPAddress> before, IEnumerable<IPAddress> after) =>
        _holders.Replace(record, Set(before), Set(after));

    private static HashSet<IpAddress> Set(IEnumerable<IPAddress> addresses) => [.. addresses.Select(IpAddress.From)];
}
