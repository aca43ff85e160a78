using Microsoft.Extensions.Time.Testing;
using ZeroTier.Libzt.Native;
using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt.Tests.Node;

public sealed class OnlineStateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly OnlineState _state;

    public OnlineStateTests() => _state = new OnlineState(_time);

    [Fact]
    public void The_flag_alone_makes_online_after_a_moment()
    {
        Assert.False(_state.Observe(true));
        Assert.False(_state.IsOnline);
        _time.Advance(OnlineState.Settling);

        Assert.True(_state.Observe(true));
        Assert.True(_state.IsOnline);
        Assert.False(_state.Observe(true));
    }

    [Fact]
    public void A_cleared_flag_without_the_event_is_not_believed_where_events_arrive()
    {
        GoOnline();
        _state.OnEvent(NativeEvent.PeerDirect);
        for (int i = 0; i < 10; i++)
        {
            Assert.False(_state.Observe(false));
            _time.Advance(OnlineState.Doubt);
        }

        Assert.True(_state.IsOnline);
    }

    [Fact]
    public void The_event_with_a_cleared_flag_makes_offline()
    {
        GoOnline();
        _state.OnEvent(NativeEvent.NodeOffline);

        Assert.True(_state.Observe(false));
        Assert.False(_state.IsOnline);
    }

    [Fact]
    public void A_stale_event_does_not_count_later()
    {
        GoOnline();
        _state.OnEvent(NativeEvent.NodeOffline);
        Assert.False(_state.Observe(true));

        Assert.False(_state.Observe(false));
        Assert.True(_state.IsOnline);
    }

    [Fact]
    public void Without_any_event_a_cleared_flag_is_believed_after_a_while()
    {
        GoOnline();
        Assert.False(_state.Observe(false));
        _time.Advance(OnlineState.Doubt - TimeSpan.FromSeconds(1));
        Assert.False(_state.Observe(false));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.True(_state.Observe(false));
    }

    [Fact]
    public void A_flag_that_comes_back_ends_the_doubt()
    {
        GoOnline();
        Assert.False(_state.Observe(false));
        _time.Advance(OnlineState.Doubt / 2);
        Assert.False(_state.Observe(true));
        _time.Advance(OnlineState.Doubt / 2);

        Assert.False(_state.Observe(false));
        Assert.True(_state.IsOnline);
    }

    [Fact]
    public void Only_a_set_flag_that_is_not_believed_yet_asks_for_another_look()
    {
        Assert.False(_state.IsSettling);
        _state.Observe(true);
        Assert.True(_state.IsSettling);
        _time.Advance(OnlineState.Settling);
        _state.Observe(true);
        Assert.False(_state.IsSettling);

        _state.OnEvent(NativeEvent.PeerDirect);
        _state.Observe(false);
        Assert.True(_state.IsOnline);
        Assert.False(_state.IsSettling);
    }

    [Fact]
    public void What_a_peer_sent_is_proof_before_the_flag_and_the_flag_takes_over()
    {
        _state.OnEvent(NativeEvent.NodeUp);
        Assert.True(_state.Observe(false, traffic: true));
        Assert.True(_state.IsOnline);
        Assert.False(_state.IsSettling);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(_state.Observe(true));

        // From now on as ever: a cleared flag alone means nothing.
        _time.Advance(OnlineState.ProofAge);
        Assert.False(_state.Observe(false));
        Assert.True(_state.IsOnline);
    }

    [Fact]
    public void Proof_without_any_flag_lasts_for_a_while_after_the_last_traffic()
    {
        _state.OnEvent(NativeEvent.NodeUp);
        Assert.True(_state.Observe(false, traffic: true));
        _time.Advance(OnlineState.ProofAge / 2);
        Assert.False(_state.Observe(false, traffic: true));
        _time.Advance(OnlineState.ProofAge - TimeSpan.FromSeconds(1));
        Assert.False(_state.Observe(false));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.True(_state.Observe(false));
        Assert.False(_state.IsOnline);
    }

    [Fact]
    public void Peers_that_are_still_heard_outweigh_the_event_until_they_are_silent()
    {
        GoOnline();
        _state.OnEvent(NativeEvent.NodeOffline);
        Assert.False(_state.Observe(false, traffic: true));
        _time.Advance(OnlineState.ProofAge);

        Assert.True(_state.Observe(false));
        Assert.False(_state.IsOnline);
    }

    private void GoOnline()
    {
        _state.Observe(true);
        _time.Advance(OnlineState.Settling);
        Assert.True(_state.Observe(true));
    }
}
