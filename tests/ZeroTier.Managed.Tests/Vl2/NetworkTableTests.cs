using System.Buffers.Binary;
using System.IO.Pipelines;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Rules;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>What VL1 delivers reaches the network that it is meant for, over real VL1 nodes.</summary>
public sealed class NetworkTableTests : IDisposable
{
    private readonly Vl1Simulation _simulation = new();
    private readonly SimulatedNode _other;
    private readonly VirtualDatagramTransport _transport;
    private readonly NetworkTable _table;
    private readonly RecordingSource _source = new();
    private readonly FakeGate _gate = new();
    private readonly FakeFilter _filter = new();
    private readonly Network _network;

    public NetworkTableTests()
    {
        var planet = _simulation.CreatePlanet("10.0.0.1");
        _simulation.Add(0, planet, "10.0.0.1");
        _other = _simulation.Add(1, planet, "10.1.0.1");
        _transport = _simulation.Network.AddHost("me", "10.2.0.1").Open(Vl1Simulation.Port);
        var options = new NetworkTableOptions
        {
            Client = new FakeVl2Client(),
            TimeProvider = _simulation.Clock,
            Random = new SeededRandom(1),
            Completions = PipeScheduler.Inline,
        };
        _table = new NetworkTable(options, table => new Vl1Node(new Vl1NodeOptions
        {
            Identity = TestIdentities.All[2],
            Planet = planet,
            Transport = _transport,
            Client = table,
            TimeProvider = _simulation.Clock,
            Random = new SeededRandom(2),
        }));
        _table.Vl1.Start();

        // The other node plays the controller.
        _network = _table.Join(new NetworkId(_other.Id.Value << 24 | 1), _source, _gate);
        _network.Start();
        _other.Node.Send(_table.Vl1.Id, Verb.UserMessage, [1]);
        _simulation.Advance(5);
    }

    public void Dispose()
    {
        _table.Dispose();
        _table.Vl1.Dispose();
        _simulation.Dispose();
    }

    [Fact]
    public void The_tick_reaches_sources_always_and_gates_once_there_is_a_configuration()
    {
        _source.Ticks.Clear();
        _simulation.Advance(5);
        Assert.Equal(10, _source.Ticks.Count);
        Assert.All(_source.Ticks.Zip(_source.Ticks.Skip(1)), pair => Assert.Equal(500, pair.Second - pair.First));
        Assert.Empty(_gate.Ticks);

        Configure();
        _simulation.Advance(5);
        Assert.Equal(10, _gate.Ticks.Count);
    }

    [Fact]
    public void Pushed_chunks_answers_and_refusals_reach_the_source_with_who_sent_them()
    {
        byte[] chunk = [.. Id(), 0, 1, 2];
        _other.Node.Send(_table.Vl1.Id, Verb.NetworkConfig, chunk);
        _simulation.Advance(1);
        Assert.Equal((_other.Id, true), Assert.Single(_source.Chunks).From);
        Assert.Equal(chunk, _source.Chunks[0].Bytes);

        _source.Chunks.Clear();
        _other.Client.Judge = (_, _) => PacketResult.Accepted;
        _table.Vl1.Send(_other.Id, Verb.NetworkConfigRequest, [.. Id(), 0, 0]);
        _simulation.Advance(1);
        var (_, _, _, info) = Assert.Single(_other.Client.Packets, packet => packet.Verb == Verb.NetworkConfigRequest);
        var me = _other.Node.FindPeer(_table.Vl1.Id)!;
        _other.Node.ReplyOk(me, info, Verb.NetworkConfigRequest, chunk);
        _other.Node.ReplyOk(me, info, Verb.NetworkConfigRequest, chunk);
        _other.Node.ReplyError(me, info, Verb.NetworkConfigRequest, ErrorCode.AccessDenied, Id());
        _simulation.Advance(1);
        Assert.Equal([(_other.Id, false), (_other.Id, false)], _source.Chunks.Select(item => item.From));
        Assert.Equal((_other.Id, info.PacketId, ErrorCode.AccessDenied), Assert.Single(_source.Errors));
    }

    [Fact]
    public void An_answer_to_no_request_of_ours_reaches_nobody()
    {
        byte[] answer = [(byte)Verb.NetworkConfigRequest, 1, 2, 3, 4, 5, 6, 7, 8, .. Id(), 0, 1, 2];

        _other.Node.Send(_table.Vl1.Id, Verb.Ok, answer);
        _simulation.Advance(1);

        Assert.Empty(_source.Chunks);
    }

    [Fact]
    public void A_held_frame_is_delivered_when_its_sender_is_a_member_after_all()
    {
        Configure();
        _gate.Admission = Admission.Hold;
        _other.Node.Send(_table.Vl1.Id, Verb.Frame, [.. Id(), 0x86, 0xdd, 1]);
        _simulation.Advance(4);
        Assert.Equal(0, _filter.Evaluations);

        _gate.Admission = Admission.Admitted;
        _table.Vl1.RetryHeld();

        Assert.Equal(1, _filter.Evaluations);
    }

    [Fact]
    public void Held_frames_are_bounded_and_live_for_5_s()
    {
        Configure();
        _gate.Admission = Admission.Hold;
        for (int i = 0; i < 100; i++)
        {
            _other.Node.Send(_table.Vl1.Id, Verb.Frame, [.. Id(), 0x86, 0xdd, (byte)i]);
        }

        _simulation.Advance(1);
        _gate.Admission = Admission.Admitted;
        _table.Vl1.RetryHeld();
        Assert.InRange(_filter.Evaluations, 1, 32);

        _gate.Admission = Admission.Hold;
        int before = _filter.Evaluations;
        _other.Node.Send(_table.Vl1.Id, Verb.Frame, [.. Id(), 0x86, 0xdd, 1]);
        _simulation.Advance(6);
        _gate.Admission = Admission.Admitted;
        _table.Vl1.RetryHeld();
        Assert.Equal(before, _filter.Evaluations);
    }

    [Fact]
    public void Who_refuses_our_frames_for_want_of_credentials_is_told_to_the_gate()
    {
        Configure();
        _other.Node.Send(
            _table.Vl1.Id, Verb.Error, [(byte)Verb.Frame, 1, 2, 3, 4, 5, 6, 7, 8, (byte)ErrorCode.NeedMembershipCertificate, .. Id()]);
        _simulation.Advance(1);

        Assert.Equal(_other.Id, Assert.Single(_gate.Requests));
    }

    [Theory]
    [InlineData(Verb.Frame)]
    [InlineData(Verb.ExtFrame)]
    [InlineData(Verb.NetworkConfig)]
    [InlineData(Verb.Error)]
    internal void Packets_of_networks_that_are_not_joined_or_too_short_are_counted(Verb verb)
    {
        byte[] head = verb == Verb.Error ? [(byte)Verb.NetworkConfigRequest, 1, 2, 3, 4, 5, 6, 7, 8, (byte)ErrorCode.ObjectNotFound] : [];
        var client = (IVl1Client)_table;
        var peer = _table.Vl1.FindPeer(_other.Id)!;

        Assert.Equal(PacketResult.Ignored, client.OnPacket(peer, verb, default, [.. head, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
        Assert.Equal(PacketResult.Ignored, client.OnPacket(peer, verb, default, [.. head, .. Id()[..7]]));

        Assert.Equal(1, _table.Drops[Vl2Drop.NotJoined]);
        Assert.Equal(1, _table.Drops[Vl2Drop.Malformed]);
    }

    [Fact]
    public void A_network_that_was_left_gets_nothing_any_more()
    {
        Configure();
        _table.Leave(_network);
        _source.Ticks.Clear();

        _other.Node.Send(_table.Vl1.Id, Verb.Frame, [.. Id(), 0x86, 0xdd, 1]);
        _simulation.Advance(5);

        Assert.Equal(0, _filter.Evaluations);
        Assert.Empty(_source.Ticks);
        Assert.Equal(1, _table.Drops[Vl2Drop.NotJoined]);
    }

    [Fact]
    public void Addresses_of_joined_networks_are_no_physical_ones()
    {
        var client = (IVl1Client)_table;
        var inside = Vl1Simulation.EndPoint("10.9.0.77");
        Assert.False(client.IsVirtualAddress(inside));

        Configure();

        Assert.True(client.IsVirtualAddress(inside));
        Assert.False(client.IsVirtualAddress(Vl1Simulation.EndPoint("10.8.0.77")));
        Assert.False(client.IsVirtualAddress(default));
    }

    [Fact]
    public void A_controller_that_hands_out_everything_cuts_off_no_public_address()
    {
        Configure(prefixLength: 0);

        Assert.True(((IVl1Client)_table).IsVirtualAddress(Vl1Simulation.EndPoint("192.168.1.1")));
        Assert.False(((IVl1Client)_table).IsVirtualAddress(Vl1Simulation.EndPoint("84.17.53.155")));
    }

    [Fact]
    public void Credentials_count_on_the_network_that_they_name_and_on_no_other_of_its_controller()
    {
        var id = new NetworkId(_network.Id.Value + 1);
        var members = new MembershipTable(_table.Vl1);
        Network network = _table.Join(id, new RecordingSource(), members);
        network.Start();
        NetworkConfiguration configuration = Private(id);
        network.Apply(configuration);
        Peer peer = _table.Vl1.FindPeer(_other.Id)!;

        Show(new NetworkId(id.Value + 1));
        Show(_network.Id);
        Assert.False(members.IsMember(configuration, peer));
        Assert.False(HasTag());

        Show(id);
        Assert.True(members.IsMember(configuration, peer));
        Assert.True(HasTag());

        bool HasTag() => members.Find(configuration, peer.Id)?.TryGetTag(1, out _) ?? false;
    }

    private void Show(NetworkId network)
    {
        byte[] certificate = MembershipCertificate.Issue(TestIdentities.All[1], network, 1_000_000, 1_800_000, TestIdentities.All[1]);
        byte[] tag = Tag.Issue(TestIdentities.All[1], network, 1_000_000, 1, 2, _other.Id);
        _other.Node.Send(_table.Vl1.Id, Verb.NetworkCredentials, [.. certificate, 0, 0, 0, 0, 1, .. tag, 0, 0, 0, 0]);
        _simulation.Advance(1);
    }

    private static NetworkConfiguration Private(NetworkId network)
    {
        byte[] text = new NetworkDictionaryWriter()
            .Add("v", 7)
            .Add("nwid", network.Value)
            .Add("id", TestIdentities.All[2].Address.ToString())
            .Add("t", 0)
            .Add("ts", 1_000_000)
            .Add("ctmd", 1_800_000)
            .Add("C", MembershipCertificate.Issue(TestIdentities.All[1], network, 1_000_000, 1_800_000, TestIdentities.All[2]))
            .ToArray();
        Assert.True(NetworkConfigurationReader.TryRead(text, RandomSource.System, out NetworkConfiguration? configuration, out _));
        return configuration;
    }

    private void Configure(int prefixLength = 16) => _network.Apply(new NetworkConfiguration
    {
        Id = _network.Id,
        Addresses = [new(IpAddress.FromIPv4(0x0a090001), prefixLength)],
        Filter = _filter,
    });

    private byte[] Id()
    {
        byte[] id = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(id, _network.Id.Value);
        return id;
    }

    private sealed class RecordingSource : IConfigurationSource
    {
        public List<long> Ticks { get; } = [];

        public List<((NodeId, bool) From, byte[] Bytes)> Chunks { get; } = [];

        public List<(NodeId, ulong, ErrorCode)> Errors { get; } = [];

        public void Start(IConfigurationSink sink)
        {
        }

        public void OnTick(long now) => Ticks.Add(now);

        public PacketResult OnConfiguration(Peer peer, in PacketInfo info, bool isPushed, ReadOnlySpan<byte> chunk)
        {
            Chunks.Add(((peer.Id, isPushed), chunk.ToArray()));
            return PacketResult.Accepted;
        }

        public PacketResult OnError(Peer peer, ulong requestId, ErrorCode code, ReadOnlySpan<byte> data)
        {
            Errors.Add((peer.Id, requestId, code));
            return PacketResult.Accepted;
        }
    }
}
