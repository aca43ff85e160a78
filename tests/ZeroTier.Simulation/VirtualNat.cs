using ZeroTier.Managed;

namespace ZeroTier.Simulation;

/// <summary>How a translator maps and filters (the classic names of RFC 3489; in brackets RFC 4787's mapping and filtering).</summary>
public enum NatKind
{
    /// <summary>One outer port per inner socket, open to all (endpoint-independent, endpoint-independent).</summary>
    FullCone,

    /// <summary>One outer port per inner socket, open to addresses sent to (endpoint-independent, address-dependent).</summary>
    RestrictedCone,

    /// <summary>
    /// One outer port per inner socket, open to address and port sent to (endpoint-independent, address- and port-dependent).
    /// </summary>
    PortRestrictedCone,

    /// <summary>Another outer port for each destination (address- and port-dependent in both), at random.</summary>
    Symmetric,

    /// <summary>The same, but each new outer port is the next one.</summary>
    SymmetricSequential,
}

/// <summary>A network address translator with one public address and a private network behind it.</summary>
public sealed class VirtualNat
{
    private readonly VirtualNetwork _network;
    private readonly InetEndPoint _publicAddress;
    private readonly NatKind _kind;
    private readonly Dictionary<(InetEndPoint Inside, InetEndPoint Remote), Mapping> _byInside = [];
    private readonly Dictionary<ushort, Mapping> _byPort = [];
    private ushort _nextPort;

    internal VirtualNat(VirtualNetwork network, VirtualRealm outside, NatKind kind, InetEndPoint publicAddress)
    {
        _network = network;
        _kind = kind;
        _publicAddress = publicAddress;
        Outside = outside;
        Inside = new VirtualRealm(this);
        outside.Add(publicAddress, this);
        _nextPort = 40_000;
    }

    /// <summary>Mappings end when nothing was sent through them for this long. Default 60 s.</summary>
    public TimeSpan MappingLifetime { get; set; } = TimeSpan.FromSeconds(60);

    internal VirtualRealm Outside { get; }

    internal VirtualRealm Inside { get; }

    /// <summary>Adds a host behind the translator. Private addresses may repeat behind different translators.</summary>
    public VirtualHost AddHost(string name, params string[] addresses) => _network.AddHost(Inside, name, addresses);

    /// <summary>Adds a translator behind this one (carrier-grade translation).</summary>
    public VirtualNat AddNat(NatKind kind, string address) => new(_network, Inside, kind, VirtualNetwork.ParseAddress(address));

    /// <summary>Forgets all mappings, as after a loss of power.</summary>
    public void Reboot()
    {
        _byInside.Clear();
        _byPort.Clear();
    }

    internal InetEndPoint Outbound(InetEndPoint inside, InetEndPoint remote)
    {
        var key = (inside, IsSymmetric ? remote : default);
        long now = _network.Clock.GetTimestamp();
        if (!_byInside.TryGetValue(key, out var mapping) || now - mapping.LastSent > MappingLifetime.Ticks)
        {
            if (mapping is not null)
            {
                _byPort.Remove(mapping.Port);
            }

            mapping = new Mapping(inside, FreePort(inside.Port));
            _byInside[key] = mapping;
            _byPort[mapping.Port] = mapping;
        }

        mapping.LastSent = now;
        mapping.Remotes.Add(remote);
        mapping.Remotes.Add(remote.WithPort(0));
        return _publicAddress.WithPort(mapping.Port);
    }

    internal bool TryInbound(InetEndPoint remote, InetEndPoint destination, out InetEndPoint inside)
    {
        inside = default;
        if (!_byPort.TryGetValue(destination.Port, out var mapping)
            || _network.Clock.GetTimestamp() - mapping.LastSent > MappingLifetime.Ticks)
        {
            return false;
        }

        inside = mapping.Inside;
        return _kind switch
        {
            NatKind.FullCone => true,
            NatKind.RestrictedCone => mapping.Remotes.Contains(remote.WithPort(0)),
            _ => mapping.Remotes.Contains(remote),
        };
    }

    /// <summary>The host a public port leads to, without filtering: to choose the link only.</summary>
    internal VirtualHost? FindHost(ushort port) => _byPort.TryGetValue(port, out var mapping) ? Inside.FindHost(mapping.Inside) : null;

    private bool IsSymmetric => _kind is NatKind.Symmetric or NatKind.SymmetricSequential;

    /// <summary>Cones keep the inner port where they can; a symmetric translator gives another one each time.</summary>
    private ushort FreePort(ushort wanted)
    {
        ushort port = wanted;
        while (_byPort.ContainsKey(port) || (IsSymmetric && port == wanted))
        {
            port = _kind == NatKind.SymmetricSequential ? _nextPort++ : (ushort)(1024 + _network.Random.Next(64000));
        }

        return port;
    }

    private sealed class Mapping(InetEndPoint inside, ushort port)
    {
        public InetEndPoint Inside => inside;

        public ushort Port => port;

        public HashSet<InetEndPoint> Remotes { get; } = [];

        public long LastSent { get; set; }
    }
}

/// <summary>An address space: the public network, or what lies behind one translator.</summary>
internal sealed class VirtualRealm(VirtualNat? gateway)
{
    private readonly Dictionary<InetEndPoint, object> _stations = [];

    public VirtualNat? Gateway => gateway;

    public void Add(InetEndPoint address, object station) => _stations.Add(address.WithPort(0), station);

    public void Remove(InetEndPoint address) => _stations.Remove(address.WithPort(0));

    public bool Contains(InetEndPoint endPoint) => _stations.ContainsKey(endPoint.WithPort(0));

    public VirtualNat? FindNat(InetEndPoint endPoint) => Find(endPoint) as VirtualNat;

    public VirtualHost? FindHost(InetEndPoint endPoint) => Find(endPoint) switch
    {
        VirtualHost host => host,
        VirtualNat nat => nat.FindHost(endPoint.Port),
        _ => null,
    };

    private object? Find(InetEndPoint endPoint) => _stations.GetValueOrDefault(endPoint.WithPort(0));
}
