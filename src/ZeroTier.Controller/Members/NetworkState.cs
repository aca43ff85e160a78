using System.Collections.Concurrent;
using ZeroTier.Controller.Configuration;
using ZeroTier.Controller.Names;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Members;

/// <summary>
/// The state of a network in memory. Records may be read on any thread; everything else is used with the controller's turn held.
/// </summary>
internal sealed class NetworkState(ControllerNetwork record)
{
    // Limits the rate of new records of unknown nodes, which cost a write each. A legitimate node repeats its request every five seconds.
    private static readonly TokenRate Strangers = new(Burst: 100, PerSecond: 20);

    // Limits the rate of nodes admitted by a public network, which also cost a write, and may take an address.
    private static readonly TokenRate Visitors = new(Burst: 1000, PerSecond: 20);

    private volatile ControllerNetwork _record = record;
    private TokenBucket _strangers;
    private TokenBucket _visitors;
    private EncodedNetwork? _encoded;
    private (ControllerNetwork Network, int Releases)? _exhaustedIPv4;
    private (ControllerNetwork Network, int Releases)? _exhaustedIPv6;

    public NetworkId Id => _record.Id;

    /// <summary>The stored record. Replaced after the new one is durable.</summary>
    public ControllerNetwork Record
    {
        get => _record;
        set => _record = value;
    }

    public ConcurrentDictionary<NodeId, MemberState> Members { get; } = new();

    public AddressTable Addresses { get; } = new();

    /// <summary>The DNS labels in the network's domain and the members that hold them (<see cref="MemberLabel"/>).</summary>
    public HolderTable<string> Labels { get; } = new();

    /// <summary>Resolves names of the network.</summary>
    public NetworkNames Names => field ??= new NetworkNames(this);

    public RevocationList Revocations { get; } = new();

    /// <summary>The number of members for which <see cref="MemberState.IsStranger"/> is true.</summary>
    public int StrangerCount { get; set; }

    /// <summary>The part of the configuration that is the same for all members, encoded once per change.</summary>
    public EncodedNetwork Encoded
    {
        get
        {
            if (_encoded is null || !ReferenceEquals(_encoded.Network, Record))
            {
                _encoded = new EncodedNetwork(
                    Record, Members.Values.Where(m => m.Record is { IsAuthorized: true, IsActiveBridge: true }).Select(m => m.Node).Order(),
                    Record.ServesNames ? Names.AddressesOf(Names.Server) : []);
            }

            return _encoded;
        }
    }

    /// <summary>Must be called when the set of active bridges or the name server's addresses have changed.</summary>
    public void ForgetEncoded() => _encoded = null;

    /// <summary>Whether the rate limit permits another record of an unknown node now.</summary>
    public bool MayRecordStranger(long now) => _strangers.TryTake(Strangers, now);

    /// <summary>Whether the rate limit permits admitting another node of a public network now.</summary>
    public bool MayRecordVisitor(long now) => _visitors.TryTake(Visitors, now);

    /// <summary>Whether a search for a free address found none, and nothing has changed since.</summary>
    public bool IsExhausted(bool isIPv4) =>
        (isIPv4 ? _exhaustedIPv4 : _exhaustedIPv6) is { } search && ReferenceEquals(search.Network, Record) &&
            search.Releases == Addresses.Releases;

    /// <summary>Records that a search for a free address found none.</summary>
    public void NoteExhausted(bool isIPv4)
    {
        if (isIPv4)
        {
            _exhaustedIPv4 = (Record, Addresses.Releases);
        }
        else
        {
            _exhaustedIPv6 = (Record, Addresses.Releases);
        }
    }
}
