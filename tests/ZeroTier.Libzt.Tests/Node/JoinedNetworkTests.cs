using Microsoft.Extensions.Time.Testing;
using System.Net;
using ZeroTier.Engines;
using ZeroTier.Libzt.Node;

namespace ZeroTier.Libzt.Tests.Node;

public sealed class JoinedNetworkTests : IDisposable
{
    private static readonly NetworkId _id = NetworkId.Parse("8056c2e21c000001");
    private static readonly IPNetworkAddress _four = new(IPAddress.Parse("10.1.2.3"), 24);
    private static readonly IPNetworkAddress _six = new(IPAddress.Parse("fd00::1"), 88);

    private readonly FakeTimeProvider _time = new();
    private readonly ZeroTierEventHub _hub = new(System.IO.Pipelines.PipeScheduler.Inline);
    private readonly IZeroTierEventSubscription _subscription;
    private readonly EventOutbox _events;
    private readonly JoinedNetwork _network;

    public JoinedNetworkTests()
    {
        _subscription = _hub.Subscribe(256);
        _events = new EventOutbox(_hub, _time);
        _network = new JoinedNetwork(_id, new NodeId(0x1122334455), _time);
    }

    public void Dispose()
    {
        _subscription.Dispose();
        _hub.Dispose();
    }

    [Fact]
    public async Task A_network_that_comes_up_raises_its_events_once_in_order()
    {
        Assert.False(_network.Snapshot.IsReady);
        Assert.NotNull(_network.Snapshot.Detail);
        _network.Observe(Seen(ZeroTierNetworkStatus.RequestingConfiguration), _events);
        for (int i = 0; i < 3; i++)
        {
            _network.Observe(Seen(ZeroTierNetworkStatus.Ok, _four, _six), _events);
        }

        for (int i = 0; i < 3; i++)
        {
            _network.Observe(Seen(ZeroTierNetworkStatus.Ok, _four, _six), _events);
            _network.Announce(_events);
        }

        Assert.Equal(
            [
                ZeroTierEventCode.AddressAddedIPv4, ZeroTierEventCode.AddressAddedIPv6, ZeroTierEventCode.NetworkUpdate,
                ZeroTierEventCode.NetworkReadyIPv4, ZeroTierEventCode.NetworkReadyIPv6, ZeroTierEventCode.NetworkOk,
            ],
            await Codes());
        Assert.True(_network.Snapshot.IsReady);
        Assert.Null(_network.Snapshot.Detail);
        Assert.False(_network.IsPending);
    }

    [Fact]
    public async Task Addresses_that_come_after_the_state_are_waited_for()
    {
        _network.Observe(Seen(ZeroTierNetworkStatus.Ok), _events);
        _network.Announce(_events);
        Assert.True(_network.IsPending);
        _network.Observe(Seen(ZeroTierNetworkStatus.Ok, _six), _events);
        _network.Announce(_events);

        Assert.Equal(
            [
                ZeroTierEventCode.AddressAddedIPv6,
                ZeroTierEventCode.NetworkUpdate,
                ZeroTierEventCode.NetworkReadyIPv6,
                ZeroTierEventCode.NetworkOk,
            ], await Codes());
    }

    [Fact]
    public async Task A_network_without_addresses_is_announced_after_a_while_and_says_why_it_is_not_ready()
    {
        _network.Observe(Seen(ZeroTierNetworkStatus.Ok), _events);
        _time.Advance(TimeSpan.FromSeconds(2));
        _network.Observe(Seen(ZeroTierNetworkStatus.Ok), _events);
        _network.Announce(_events);

        Assert.Equal([ZeroTierEventCode.NetworkUpdate, ZeroTierEventCode.NetworkOk], await Codes());
        Assert.Contains("no address", _network.Snapshot.Detail, StringComparison.Ordinal);
        Assert.Null(_network.Failure);
    }

    [Fact]
    public async Task A_changed_address_is_removed_and_added_and_an_update()
    {
        _network.Observe(Seen(ZeroTierNetworkStatus.Ok, _four), _events);
        await Codes();

        _network.Observe(Seen(ZeroTierNetworkStatus.Ok, _six), _events);

        Assert.Equal(
            [ZeroTierEventCode.AddressRemovedIPv4, ZeroTierEventCode.AddressAddedIPv6, ZeroTierEventCode.NetworkUpdate], await Codes());
    }

    [Theory]
    [InlineData(ZeroTierNetworkStatus.AccessDenied, ZeroTierEventCode.NetworkAccessDenied)]
    [InlineData(ZeroTierNetworkStatus.NotFound, ZeroTierEventCode.NetworkNotFound)]
    [InlineData(ZeroTierNetworkStatus.ClientTooOld, ZeroTierEventCode.NetworkClientTooOld)]
    [InlineData(ZeroTierNetworkStatus.PortError, ZeroTierEventCode.NetworkUpdate)]
    [InlineData(ZeroTierNetworkStatus.AuthenticationRequired, ZeroTierEventCode.NetworkUpdate)]
    [InlineData((ZeroTierNetworkStatus)77, ZeroTierEventCode.NetworkUpdate)]
    public async Task A_network_that_cannot_be_used_says_so_once(ZeroTierNetworkStatus status, ZeroTierEventCode code)
    {
        for (int i = 0; i < 3; i++)
        {
            _network.Observe(Seen(status), _events);
            _network.Announce(_events);
        }

        Assert.Equal([code], await Codes());
        Assert.Equal(ZeroTierError.NetworkUnavailable, _network.Failure!.Error);
        Assert.Contains(_id.ToString(), _network.Failure.Message, StringComparison.Ordinal);
        Assert.False(_network.IsPending);
    }

    [Fact]
    public async Task A_network_that_asks_again_is_pending_again_and_comes_back()
    {
        _network.Observe(Seen(ZeroTierNetworkStatus.Ok, _four), _events);
        _network.Announce(_events);
        await Codes();

        _network.Observe(Seen(ZeroTierNetworkStatus.RequestingConfiguration, _four), _events);
        _network.Announce(_events);
        Assert.Equal([ZeroTierEventCode.NetworkRequestingConfiguration], await Codes());
        Assert.True(_network.IsPending);
        _network.Observe(Seen(ZeroTierNetworkStatus.Ok, _four), _events);
        _network.Announce(_events);

        Assert.Equal([ZeroTierEventCode.NetworkUpdate, ZeroTierEventCode.NetworkReadyIPv4, ZeroTierEventCode.NetworkOk], await Codes());
    }

    [Fact]
    public void A_name_that_cannot_be_asked_for_is_kept()
    {
        _network.Observe(Seen(ZeroTierNetworkStatus.Ok, _four) with { Name = "home" }, _events);

        Assert.False(_network.Observe(Seen(ZeroTierNetworkStatus.Ok, _four), _events));
        Assert.Equal("home", _network.Snapshot.Name);
    }

    private static NetworkObservation Seen(ZeroTierNetworkStatus status, params IPNetworkAddress[] addresses) =>
        new(status, false, 2800, "02:00:00:00:00:01", null, addresses);

    private async Task<List<ZeroTierEventCode>> Codes()
    {
        _events.Publish();
        _hub.Publish(new ZeroTierEvent(ZeroTierEventCode.NodeDown, default));
        var codes = new List<ZeroTierEventCode>();
        await foreach (var item in _subscription.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            if (item.Code == ZeroTierEventCode.NodeDown)
            {
                break;
            }

            codes.Add(item.Code);
        }

        return codes;
    }
}
