using System.Net;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Members;

/// <summary>The addresses of a network and the members that hold them. Read on any thread, changed with the turn held.</summary>
internal sealed class AddressTable
{
    private readonly HolderTable<IpAddress> _holders = new();

    /// <summary>The number of addresses that have become free so far; tells whether a new search for a free one may succeed.</summary>
    public int Releases { get; private set; }

    public bool IsTaken(in IpAddress address) => _holders.IsTaken(address);

    /// <summary>The member that holds an address; null when it is free.</summary>
    public NodeId? HolderOf(in IpAddress address) => _holders.HolderOf(address);

    /// <summary>Other members whose records contain an address of this record.</summary>
    public IReadOnlyList<NodeId> RivalsOf(ControllerMember record) =>
        _holders.RivalsOf(record.Node, record.Addresses.Select(IpAddress.From));

    /// <summary>Replaces the addresses of a record.</summary>
    public void Replace(ControllerMember record, IEnumerable<IPAddress> before, IEnumerable<IPAddress> after) =>
        Releases += _holders.Replace(record, Set(before), Set(after));

    /// <summary>As <see cref="Replace"/>, to undo a recent assignment: does not count as addresses becoming free.</summary>
    public void Undo(ControllerMember record, IEnumerable<IPAddress> before, IEnumerable<IPAddress> after) =>
        _holders.Replace(record, Set(before), Set(after));

    private static HashSet<IpAddress> Set(IEnumerable<IPAddress> addresses) => [.. addresses.Select(IpAddress.From)];
}
