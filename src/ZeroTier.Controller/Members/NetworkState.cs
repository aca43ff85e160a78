using System.Collections.Concurrent;
using ZeroTier.Controller.Configuration;
using ZeroTier.Controller.Names;
using ZeroTier.Managed.Net;

namespace ZeroTier.Controller.Members;

/// <summary>A network in memory. Records are read by anybody; the rest is touched by whoever has the turn.</summary>
internal sealed class NetworkState(ControllerNetwork record)
{
    // A record of an unknown node costs a write; a node that really waits asks every five seconds.
    private static readonly TokenRate Strangers = new(Burst: 100, PerSecond: 20);

    // So does one of a node that a public network lets in, and it may take an address.
    private static readonly TokenRate Visitors = new(Burst: 1000, PerSecond: 20);

    private volatile ControllerNetwork _record = record;
    private TokenBucket _strangers;
    private TokenBucket _visitors;
    private EncodedNetwork? _encoded;
    private (ControllerNetwork Network, int Releases)? _exhaustedIPv4;
    private (ControllerNetwork Network, int Releases)? _exhaustedIPv6;

    public NetworkId Id => _record.Id;

    /// <summary>What is stored. Replaced whole, after it is durable.</summary>
    public ControllerNetwork Record
    {
        get => _record;
        set => _record = value;
    }

    public ConcurrentDictionary<NodeId, MemberState> Members { get; } = new();

    public AddressTable Addresses { get; } = new();

    /// <summary>Which member has which label in the network's domain (<see cref="MemberLabel"/>).</summary>
    public HolderTable<string> Labels { get; } = new();

    /// <summary>What names mean.</summary>
    public NetworkNames Names => field ??= new NetworkNames(this);

    public RevocationList Revocations { get; } = new();

    /// <summary>Members that <see cref="MemberState.IsStranger"/> holds for.</summary>
    public int StrangerCount { get; set; }

    /// <summary>What all members get, encoded once for each change.</summary>
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

    /// <summary>The set of bridges, or the name server, has changed.</summary>
    public void ForgetEncoded() => _encoded = null;

    /// <summary>Whether one more unknown node may be recorded now.</summary>
    public bool MayRecordStranger(long now) => _strangers.TryTake(Strangers, now);

    /// <summary>Whether one more node may be let in now only because the network is public.</summary>
    public bool MayRecordVisitor(long now) => _visitors.TryTake(Visitors, now);

    /// <summary>Whether a search for a free address found none, and nothing has changed since.</summary>
    public bool IsExhausted(bool isIPv4) =>
        (isIPv4 ? _exhaustedIPv4 : _exhaustedIPv6) is { } search && ReferenceEquals(search.Network, Record) &&
            search.Releases == Addresses.Releases;

    /// <summary>A search for a free address found none.</summary>
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
