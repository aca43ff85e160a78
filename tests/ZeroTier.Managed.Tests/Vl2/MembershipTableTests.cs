using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>What strangers can make a member do.</summary>
public sealed class MembershipTableTests : IDisposable
{
    private static readonly NetworkConfiguration Configuration = new()
    {
        Id = Vl2Vectors.Network,
        Filter = AcceptAll.Instance,
        ShownCredentials = new byte[] { 1, 2, 3 },
    };

    private readonly Vl1Simulation _simulation = new();
    private readonly SimulatedNode _me;
    private readonly SimulatedNode _other;
    private readonly MembershipTable _table;
    private readonly Peer _peer;

    public MembershipTableTests()
    {
        Planet planet = _simulation.CreatePlanet("10.0.0.1");
        _simulation.Add(0, planet, "10.0.0.1");
        _me = _simulation.Add(1, planet, "10.1.0.1");
        _other = _simulation.Add(2, planet, "10.2.0.1");
        _table = new MembershipTable(_me.Node);
        _other.Node.Send(_me.Id, Verb.UserMessage, [1]);
        _simulation.Advance(5);
        _peer = _me.Node.FindPeer(_other.Id)!;
    }

    private int Shown => _other.Client.Packets.Count(p => p.Verb == Verb.NetworkCredentials);

    public void Dispose() => _simulation.Dispose();

    [Fact]
    public void A_subscription_of_a_stranger_does_not_use_up_the_question_for_its_certificate()
    {
        Assert.False(_table.IsMember(Configuration, _peer));

        Assert.Equal(Admission.HoldAndAsk, _table.Admit(Configuration, _peer, out _));
        Assert.Equal(Admission.Hold, _table.Admit(Configuration, _peer, out _));
    }

    [Fact]
    public void Credentials_are_shown_on_request_to_those_alone_whom_frames_went_to_and_at_most_once_a_second()
    {
        Request();
        Assert.Equal(0, Shown);

        _table.BeforeSend(Configuration, _other.Id);
        Request();
        Assert.Equal(1, Shown);

        _simulation.Advance(2);
        Request();
        Request();
        Assert.Equal(2, Shown);
    }

    [Fact]
    public void Credentials_that_changed_again_too_soon_to_be_read_are_shown_once_more()
    {
        Send(Configuration);
        NetworkConfiguration changed = Configuration with { Revision = 2 };
        Send(changed);
        Assert.Equal(1, Shown);

        _simulation.Advance(2);
        Send(changed);
        Assert.Equal(2, Shown);

        _simulation.Advance(2);
        Send(changed);
        Assert.Equal(2, Shown);
    }

    /// <summary>However lately it was looked up.</summary>
    [Fact]
    public void A_member_that_is_removed_is_found_no_more_and_one_that_returns_is_another()
    {
        _table.BeforeSend(Configuration, _other.Id);
        Assert.NotNull(_table.Find(Configuration, _other.Id));

        _table.OnTick(Configuration, _me.Node.Now + 7_200_001);
        Assert.Null(_table.Find(Configuration, _other.Id));

        _table.BeforeSend(Configuration, _other.Id);
        Assert.NotNull(_table.Find(Configuration, _other.Id));
    }

    private void Send(NetworkConfiguration configuration)
    {
        _table.BeforeSend(configuration, _other.Id);
        _simulation.Advance(0.1);
    }

    private void Request()
    {
        _table.OnCredentialsRequested(Configuration, _peer);
        _simulation.Advance(0.1);
    }
}
