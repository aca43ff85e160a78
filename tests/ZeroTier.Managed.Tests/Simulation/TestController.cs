using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.Net;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>The smallest controller that a whole network needs (docs/protocol/3-vl2.md 3.14), in memory and in virtual time.</summary>
internal sealed class TestController(TimeProvider time) : INetworkController
{
    /// <summary>Drop what is not IPv4, ARP or IPv6; accept the rest.</summary>
    public const string DefaultRules = "a5020800a5020806a50286dd00000100";

    private const long OnlineTime = 120_000;

    private readonly Dictionary<NetworkId, TestNetwork> _networks = [];
    private IControllerPort? _port;
    private ulong _lastTime;
    private uint _revocations;

    /// <summary>Requests that came.</summary>
    public int Requests { get; private set; }

    /// <summary>While true nothing is answered.</summary>
    public bool IsAway { get; set; }

    /// <summary>Makes a network.</summary>
    public TestNetwork Add(NetworkId id) => _networks[id] = new TestNetwork(id);

    public void Start(IControllerPort port) => _port = port;

    public void Stop()
    {
    }

    public void OnRequest(ControllerRequest request)
    {
        Requests++;
        if (IsAway)
        {
            return;
        }

        if (!_networks.TryGetValue(request.Network, out TestNetwork? network))
        {
            _port!.Refuse(request, ControllerRefusal.NotFound, default);
            return;
        }

        TestMember member = network.Member(request.Identity.Address);
        member.Identity = request.Identity;
        member.LastRequest = Milliseconds();
        if (network.LoginUrl is { } url)
        {
            _port!.Refuse(
                request, ControllerRefusal.AuthenticationRequired, new NetworkDictionaryWriter().Add("aV", 0).Add("aU", url).ToArray());
        }
        else if (!member.IsAuthorized && !network.IsPublic)
        {
            _port!.Refuse(request, ControllerRefusal.AccessDenied, default);
        }
        else
        {
            member.IsAuthorized = true;
            _port!.Reply(request, Build(network, member));
        }
    }

    /// <summary>Tells every member that was heard of lately what it is to know now.</summary>
    public void Push(TestNetwork network)
    {
        network.Revision++;
        foreach (TestMember member in network.Members.Values.Where(
            m => m.IsAuthorized && m.Identity is not null && Milliseconds() - m.LastRequest < OnlineTime))
        {
            _port!.Push(network.Id, member.Node, Build(network, member));
        }
    }

    /// <summary>As <see cref="Push"/>, with configurations that were made at another time.</summary>
    public void PushAsOf(TestNetwork network, TimeSpan shift)
    {
        foreach (TestMember member in network.Members.Values.Where(m => m.IsAuthorized && m.Identity is not null))
        {
            _port!.Push(network.Id, member.Node, Build(network, member, Now() - (ulong)(long)-shift.TotalMilliseconds));
        }
    }

    /// <summary>Lets a member in, and tells it.</summary>
    public void Authorize(TestNetwork network, NodeId node)
    {
        TestMember member = network.Member(node);
        member.IsAuthorized = true;
        if (member.Identity is not null)
        {
            _port!.Push(network.Id, node, Build(network, member));
        }
    }

    /// <summary>Puts a member out, and tells the others.</summary>
    public void Revoke(TestNetwork network, NodeId node)
    {
        network.Member(node).IsAuthorized = false;
        byte[] revocation = Revocation.Issue(_port!.Identity, network.Id, ++_revocations, CredentialType.Membership, 0, Now(), node);
        foreach (TestMember other in network.Members.Values.Where(m => m.IsAuthorized))
        {
            _port.Revoke(other.Node, revocation);
        }
    }

    private byte[] Build(TestNetwork network, TestMember member) => Build(network, member, Now());

    private byte[] Build(TestNetwork network, TestMember member, ulong now)
    {
        NodeIdentity controller = _port!.Identity;
        var writer = new NetworkDictionaryWriter().Add("v", 7).Add("nwid", network.Id.Value).Add("ts", now).Add("ctmd", network.Window)
            .Add("r", network.Revision)
            .Add("id", member.Node.ToString())
            .Add("f", (ulong)network.Flags)
            .Add("ml", (ulong)network.MulticastLimit)
            .Add("t", network.IsPublic ? 1UL : 0UL).Add("n", network.Name).Add("mtu", (ulong)network.Mtu)
            .Add("C", MembershipCertificate.Issue(controller, network.Id, now, network.Window, member.Identity!));
        var addresses = new List<byte>();
        foreach (IpInterfaceAddress address in member.Addresses)
        {
            InetAddressEncoding.Write(addresses, address.Address, address.PrefixLength);
        }

        var routes = new List<byte>();
        foreach (IpRoute route in network.Routes)
        {
            InetAddressEncoding.Write(routes, route.Target, route.PrefixLength);
            InetAddressEncoding.Write(routes, route.Gateway, 0);
            routes.AddRange((byte)0, (byte)0, (byte)(route.Metric >> 8), (byte)route.Metric);
        }

        byte[] tags = [.. member.Tags.SelectMany(t => Tag.Issue(controller, network.Id, now, t.Key, t.Value, member.Node))];
        byte[] capabilities = [.. member.Capabilities.SelectMany(
            c => Capability.Issue(controller, network.Id, now, c.Key, Rules(c.Value), member.Node))];
        writer.Add("CAP", capabilities).Add("TAG", tags);
        if (network.IssuesOwnership && member.Addresses.Count > 0)
        {
            writer.Add(
                "COO",
                OwnershipCertificate.Issue(controller, network.Id, now, 1, [.. member.Addresses.Select(a => a.Address)], member.Node));
        }

        byte[] specialists = [.. network.Specialists.SelectMany(
            s => BitConverter.GetBytes(System.Net.IPAddress.HostToNetworkOrder((long)s)))];
        writer.Add("S", specialists)
            .Add("RT", routes.ToArray())
            .Add("I", addresses.ToArray())
            .Add("R", Convert.FromHexString(network.Rules));
        if (network.Dns is { } dns)
        {
            writer.Add("DNS", dns);
        }

        return writer.ToArray();
    }

    private static RuleTable Rules(string hex)
    {
        Assert.True(RuleTable.TryRead(Convert.FromHexString(hex), RuleTable.MaxCapabilityRules, out RuleTable? table));
        return table;
    }

    // Never the same twice: members would take the second for the first.
    private ulong Now() => _lastTime = Math.Max(_lastTime + 1, (ulong)Milliseconds());

    private long Milliseconds() => time.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>A network of <see cref="TestController"/>. What is changed counts from the next request or push on.</summary>
internal sealed class TestNetwork(NetworkId id)
{
    public NetworkId Id => id;

    public string Name { get; set; } = "test net";

    public bool IsPublic { get; set; }

    public ulong Revision { get; set; } = 1;

    public ulong Window { get; set; } = 1_800_000;

    public int Mtu { get; set; } = 2800;

    public int MulticastLimit { get; set; } = 32;

    public NetworkFlags Flags { get; set; } = NetworkFlags.Broadcast;

    public string Rules { get; set; } = TestController.DefaultRules;

    public List<IpRoute> Routes { get; } = [];

    /// <summary>Address and role bits.</summary>
    public List<ulong> Specialists { get; } = [];

    public byte[]? Dns { get; set; }

    public string? LoginUrl { get; set; }

    public bool IssuesOwnership { get; set; } = true;

    public Dictionary<NodeId, TestMember> Members { get; } = [];

    public void SetDns(string domain, params System.Net.IPAddress[] servers)
    {
        var dns = new List<byte>(System.Text.Encoding.ASCII.GetBytes(domain.PadRight(128, '\0')));
        for (int i = 0; i < 4; i++)
        {
            InetAddressEncoding.Write(dns, i < servers.Length ? IpAddress.From(servers[i]) : null, 0);
        }

        Dns = [.. dns];
    }

    /// <summary>The record of a node, made when it is new.</summary>
    public TestMember Member(NodeId node) =>
        Members.TryGetValue(node, out TestMember? member) ? member : Members[node] = new TestMember(node);
}

/// <summary>A member of a <see cref="TestNetwork"/>.</summary>
internal sealed class TestMember(NodeId node)
{
    public NodeId Node => node;

    public NodeIdentity? Identity { get; set; }

    public bool IsAuthorized { get; set; }

    public long LastRequest { get; set; }

    public List<IpInterfaceAddress> Addresses { get; } = [];

    public Dictionary<uint, uint> Tags { get; } = [];

    /// <summary>Rules by ID.</summary>
    public Dictionary<uint, string> Capabilities { get; } = [];
}
