using Microsoft.Extensions.DependencyInjection;
using ZeroTier.Managed;
using ZeroTier.Testing;

namespace ZeroTier.Hosting.Tests;

/// <summary>A server that does not answer is an error that says why, after the time limit.</summary>
public sealed class ConnectTimeoutTests
{
    private static readonly ZeroTierConnectionOptions Soon = ZeroTierConnectionOptions.Default with
    {
        ConnectTimeout = TimeSpan.FromSeconds(0.5),
    };
    private static readonly ZeroTierConnectionOptions Patient = ZeroTierConnectionOptions.Default with
    {
        ConnectTimeout = TimeSpan.FromMinutes(1),
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Address_that_no_member_has_is_named()
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        var node = await network.StartNodeAsync(Cancel);

        var error = await FailAsync(node, ZeroTierName.Of(new NodeId(0x1234567890), TestNetwork.Network), Soon);

        Assert.Equal(ZeroTierError.MemberNotFound, error.Error);
        Assert.Contains(
            "did not answer within 0.5 s (ConnectTimeout): no root knows a node 1234567890", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Member_that_is_gone_is_named()
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        var node = await network.StartNodeAsync(Cancel);
        var other = await network.StartNodeAsync(Cancel);
        string name = ZeroTierName.Of(other.Id, TestNetwork.Network);
        await other.StopAsync(Cancel);

        var error = await FailAsync(node, name, Soon);

        Assert.Equal(ZeroTierError.TimedOut, error.Error);
        Assert.Contains($"node {name[..10]} is known, but not reached", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Member_that_runs_and_whose_server_does_not_answer_is_told_apart()
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        var node = await network.StartNodeAsync(Cancel);
        var other = await network.StartNodeAsync(Cancel);
        string name = ZeroTierName.Of(other.Id, TestNetwork.Network);
        await using var listener = await other.ListenAsync(new ZeroTierEndPoint(TestNetwork.Network, 80), Cancel);
        await using var first = await node.ConnectAsync(name, 80, Patient, Cancel);
        await other.LeaveAsync(TestNetwork.Network, Cancel);

        var error = await FailAsync(node, name, Soon);

        Assert.Equal(ZeroTierError.TimedOut, error.Error);
        Assert.Contains($"node {other.Id} is reached, but nothing answers there", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Port_where_nothing_listens_is_refused_at_once()
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        var node = await network.StartNodeAsync(Cancel);
        var other = await network.StartNodeAsync(Cancel);

        var error = await FailAsync(node, ZeroTierName.Of(other.Id, TestNetwork.Network), Patient);

        Assert.Equal(ZeroTierError.ConnectionRefused, error.Error);
    }

    [Fact]
    public async Task Network_that_does_not_get_ready_is_named()
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        var node = await network.StartNodeAsync(Cancel);
        var pending = NetworkId.Parse("1234567890000001");
        await node.JoinAsync(pending, Cancel);

        var byName = await FailAsync(node, ZeroTierName.Of(node.Id, pending), Soon);
        Assert.Equal(ZeroTierError.NetworkUnavailable, byName.Error);
        Assert.Contains($"network {pending} is not ready (RequestingConfiguration)", byName.Message, StringComparison.Ordinal);

        var byAddress = await FailAsync(node, "10.1.2.3", Soon);
        Assert.Equal(ZeroTierError.AddressNotAvailable, byAddress.Error);
        Assert.Contains($"{pending} RequestingConfiguration", byAddress.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Caller_that_gives_up_gets_no_time_limit_for_an_answer()
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        var node = await network.StartNodeAsync(Cancel);
        using var given = new CancellationTokenSource(100);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => node.ConnectAsync(ZeroTierName.Of(new NodeId(0x1234567890), TestNetwork.Network), 80, Patient, given.Token).AsTask());
    }

    [Fact]
    public async Task Setting_bounds_the_calls_of_an_http_client()
    {
        await using var universe = await Universe.StartAsync();
        string name = ZeroTierName.Of(new NodeId(0x1234567890), TestNetwork.Network);
        using var host = universe.BuildCaller(
            services => services.AddHttpClient("server").AddZeroTier(),
            options => options.Transport.ConnectTimeout = TimeSpan.FromSeconds(0.25));
        await host.StartAsync(Cancel);

        var error = await Assert.ThrowsAsync<HttpRequestException>(
            () => host.Services.GetRequiredService<IHttpClientFactory>().CreateClient("server").GetAsync($"http://{name}/", Cancel));

        Assert.Equal(ZeroTierError.MemberNotFound, Assert.IsType<ZeroTierException>(error.InnerException).Error);
        Assert.Contains("did not answer within 0.25 s", error.Message, StringComparison.Ordinal);
        await host.StopAsync(Cancel);
    }

    [Theory]
    [InlineData(0.25, 10.25)]
    [InlineData(10, 20)]
    [InlineData(60, 120)]
    public async Task Limit_of_the_http_handler_leaves_time_for_the_handshake_and_for_the_reason(double limit, double ofHandler)
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        var options = ZeroTierConnectionOptions.Default with { ConnectTimeout = TimeSpan.FromSeconds(limit) };
        using var handler = new ZeroTierHttpHandler(await network.StartNodeAsync(Cancel), options);

        Assert.Equal(TimeSpan.FromSeconds(ofHandler), handler.SocketsHandler.ConnectTimeout);
    }

    [Fact]
    public void Limit_is_ten_seconds_unless_set()
    {
        Assert.Equal(TimeSpan.FromSeconds(10), ZeroTierConnectionOptions.Default.ConnectTimeout);
        Assert.Equal(TimeSpan.FromSeconds(10), new ZeroTierNodeOptions().Transport.ConnectTimeout);
    }

    private static async Task<ZeroTierException> FailAsync(ManagedNode node, string host, ZeroTierConnectionOptions options) =>
        await Assert.ThrowsAsync<ZeroTierException>(() => node.ConnectAsync(host, 80, options, Cancel).AsTask());
}
