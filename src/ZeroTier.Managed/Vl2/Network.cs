using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Membership;

namespace ZeroTier.Managed.Vl2;

/// <summary>
/// One joined network: its port and stack, there from the moment of joining, and where it stands. Its source reports configurations and
/// failures; each change is put in force in the stack, then in the port, then told to the node. Thread-safe.
/// </summary>
/// <remarks>
/// Changes are put in force by one thread at a time, without a lock, since they reach applications. A second reporter leaves its state and
/// goes; the first one takes it on. Of states that come faster than they are put in force, the last one counts.
/// </remarks>
internal sealed class Network : IConfigurationSink, IDisposable
{
    /// <summary>Conflicts of addresses that are reported; a hostile member could claim one of ours after the other.</summary>
    private const int MaxConflicts = 16;
    private const int MaxConflictsOfMember = 2;

    private readonly Lock _gate = new();
    private readonly IConfigurationSource _source;
    private readonly IMembershipGate _members;
    private readonly IVl2Client _client;
    private volatile NetworkState _state = NetworkState.Joined;
    private volatile ZeroTierNetworkSettings _settings;

    // With what the settings leave out.
    private NetworkConfiguration? _assigned;
    private NetworkState _reported = NetworkState.Joined;
    private readonly HashSet<(NodeId Member, IpAddress Address)> _conflicts = [];
    private bool _changing;
    private bool _left;

    /// <summary>Makes port and stack; nothing happens before <see cref="Start"/>.</summary>
    public Network(
        NetworkId id, Vl1Node vl1, IConfigurationSource source, IMembershipGate members, Vl2DropCounters drops, NetworkTableOptions options)
    {
        Id = id;
        _source = source;
        _members = members;
        Members = members as MembershipTable;
        _client = options.Client;
        _settings = options.Settings;
        Port = new VirtualPort(vl1, id, members, drops) { Captures = options.Captures };
        Stack = new IpStack.IpStack(new IpStackOptions
        {
            MacAddress = Port.Mac,
            Link = Port,
            Resolver = Port,
            TimeProvider = options.TimeProvider,
            Random = options.Random,
            Completions = options.Completions,
            Budget = options.Budget,
        });
        Port.AddressClaimed = OnAddressClaimed;
        Port.Start(Stack.Receive);
    }

    public NetworkId Id { get; }

    /// <summary>The members, on a network with a controller; null on others.</summary>
    public MembershipTable? Members { get; }

    public VirtualPort Port { get; }

    public IpStack.IpStack Stack { get; }

    /// <summary>What of the assigned addresses and routes is taken.</summary>
    public ZeroTierNetworkSettings Settings => _settings;

    /// <summary>What is in force now.</summary>
    public NetworkState State => _state;

    /// <inheritdoc />
    public NetworkConfiguration? Configuration => _state.Configuration;

    /// <summary>Begins to ask for a configuration. Ad-hoc networks have theirs when this returns.</summary>
    public void Start() => _source.Start(this);

    /// <inheritdoc />
    public void Apply(NetworkConfiguration configuration)
    {
        // What the stack would refuse is refused here, where the source hears of it.
        _ = StackConfiguration(configuration);
        lock (_gate)
        {
            _assigned = configuration;
            _reported = new NetworkState(Take(configuration), null);
        }

        PutInForce();
    }

    /// <inheritdoc />
    public void Fail(NetworkFailure failure)
    {
        lock (_gate)
        {
            _reported = _reported with { Failure = failure };
        }

        PutInForce();
    }

    /// <summary>Changes what is taken, also of the configuration in force.</summary>
    public void Configure(ZeroTierNetworkSettings settings)
    {
        lock (_gate)
        {
            _settings = settings;
            if (_assigned is { } assigned)
            {
                _reported = _reported with { Configuration = Take(assigned) };
            }
        }

        PutInForce();
    }

    public void OnTick(long now)
    {
        _source.OnTick(now);
        if (Configuration is { } configuration)
        {
            _members.OnTick(configuration, now);
            Port.OnTick(now);
        }
    }

    /// <summary>A piece of a configuration, from the network ID on; pushed, or in answer to a request.</summary>
    public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk) =>
        _source.OnConfiguration(peer, info, isPushed, chunk);

    /// <summary>A request for a configuration was refused. Data: from the network ID on.</summary>
    public PacketResult OnConfigurationError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data) =>
        _source.OnError(peer, requestId, code, data);

    /// <summary>A peer wants to see our credentials before it takes our frames.</summary>
    public void OnCredentialsRequested(Peer peer)
    {
        if (Configuration is { } configuration)
        {
            _members.OnCredentialsRequested(configuration, peer);
        }
    }

    /// <summary>
    /// Takes a revocation. Connections with a member that is none any more end at once, since what it sends would only be dropped; where
    /// this node itself is the one, all end, and the controller is asked what holds now.
    /// </summary>
    /// <param name="revocation">The revocation, of this network.</param>
    public CredentialOutcome? Add(Revocation revocation)
    {
        CredentialOutcome? acceptance = Members?.Add(revocation);
        if (acceptance != CredentialOutcome.New
            || revocation.Type != CredentialType.Membership
            || Configuration is not { } configuration)
        {
            return acceptance;
        }

        MacAddress station = Port.Addressing.Mac(revocation.Target);
        if (station == Port.Mac)
        {
            if (configuration.Membership?.Timestamp <= revocation.Threshold)
            {
                Stack.Tcp.Abort(null, $"The controller of network {Id} has shut node {revocation.Target} out.");
                _source.Refresh();
            }
        }
        else if (!configuration.IsPublic && Members!.IsRevoked(revocation.Target))
        {
            Stack.Tcp.Abort(station, $"Node {revocation.Target} is no longer a member of network {Id}.");
        }

        return acceptance;
    }

    /// <summary>
    /// An address that a member is known to have: by its certificate of ownership, else by what came from it; null for none.
    /// </summary>
    public IpAddress? FindAddress(NodeId member) => Configuration is not { } configuration ? null
        : Members?.FindAddress(configuration, member) ?? Stack.Neighbors.Find(Port.Addressing.Mac(member));

    /// <summary>Ends everything: connections are reset, listeners and sockets close. Frames still leave while it runs.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _left = true;
        }

        Stack.Dispose();
        Port.Stop();
    }

    // RFC 5227, 2.4 (c): the address was given to us, so it is defended and kept.
    private void OnAddressClaimed(NodeId member, IpAddress address)
    {
        bool isNew;
        lock (_conflicts)
        {
            // One hostile member must not take the places of all others.
            isNew = _conflicts.Count < MaxConflicts
                && _conflicts.Count(c => c.Member == member) < MaxConflictsOfMember
                && _conflicts.Add((member, address));
        }

        Stack.Defend(address);
        if (isNew)
        {
            _client.OnAddressConflict(this, member, address);
        }
    }

    private static IpConfiguration StackConfiguration(NetworkConfiguration configuration) =>
        new(Math.Min(configuration.Mtu, VirtualPort.MaxFrameLength), configuration.Addresses.AsSpan(), configuration.Routes.AsSpan());

    // An ad-hoc network's addresses follow from its ID: joining it is asking for them.
    private NetworkConfiguration Take(NetworkConfiguration configuration) =>
        AssignmentPolicy.Apply(configuration, Id.IsAdHoc ? _settings with { AllowGlobal = true } : _settings);

    private void PutInForce()
    {
        lock (_gate)
        {
            if (_changing)
            {
                return;
            }

            _changing = true;
        }

        while (true)
        {
            var before = _state;
            NetworkState after;
            lock (_gate)
            {
                after = _reported;
                if (ReferenceEquals(before, after) || _left)
                {
                    _changing = false;
                    return;
                }
            }

            if (after.Configuration is { } configuration && !ReferenceEquals(configuration, before.Configuration))
            {
                // The stack first: no frame may reach it, or leave it, that it is not prepared for.
                Stack.Configure(StackConfiguration(configuration));
                Port.Configure(configuration);
                Stack.Announce();
            }

            _state = after;
            _client.OnNetworkChanged(this, before, after);
        }
    }
}
