using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using EndToEnd.Tests.Security;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZeroTier;

namespace EndToEnd.Tests.PrivateNetworks;

/// <summary>An app on a network that a controller runs, from its first request to be let in until another member is put out.</summary>
public sealed class PrivateNetworkTests(ITestOutputHelper output)
{
    private static readonly AddressFamily[] Families = [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_app_is_ready_once_it_is_authorised_and_serves_every_protocol_over_both_families()
    {
        await using var network = await PrivateNetwork.StartAsync();
        await using var app = await PrivateApp.StartAsync(network, Token);
        await SecuredApp.EventuallyAsync(
            () => app.Network.Status == ZeroTierNetworkStatus.AccessDenied, () => $"the network is {app.Network.Status}");
        var waiting = await app.CheckReadyAsync(Token);
        Assert.NotEqual(HealthStatus.Healthy, waiting.Status);
        Assert.Contains(waiting.Entries.Values, e => e.Description!.Contains(app.Node.Id.ToString(), StringComparison.Ordinal));

        var clock = Stopwatch.StartNew();
        await network.AuthorizeAsync(app.Node.Id);
        await ReadyAsync(app);
        output.WriteLine($"Ready {clock.Elapsed.TotalMilliseconds:F0} ms after authorisation.");

        var client = await network.StartMemberAsync();
        using var http = Client(client);
        foreach (var family in Families)
        {
            Assert.Equal($"HTTP/1.1 {client.Id}", await http.GetStringAsync(app.Url(family), Token));
            using var request = new HttpRequestMessage(HttpMethod.Get, app.Url(family, port: PrivateApp.Http2Port))
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            using var answer = await http.SendAsync(request, Token);
            Assert.Equal($"HTTP/2 {client.Id}", await answer.Content.ReadAsStringAsync(Token));
            using var socket = await OpenAsync(http, app.AddressOf(family));
            await EchoAsync(socket);
        }

        Assert.StartsWith("10.147.20.", app.AddressOf(AddressFamily.InterNetwork).ToString(), StringComparison.Ordinal);
        Assert.StartsWith("fd", app.AddressOf(AddressFamily.InterNetworkV6).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_on_an_address_that_stays_go_on_when_another_one_is_changed_and_the_endpoint_follows()
    {
        IPAddress stays = IPAddress.Parse("10.147.20.100"), goes = IPAddress.Parse("10.147.20.101"),
            comes = IPAddress.Parse("10.147.20.102");
        await using var network = await PrivateNetwork.StartAsync();
        await using var app = await PrivateApp.StartAsync(network, Token);
        await network.ChangeAsync(app.Node.Id, m => m with { IsAuthorized = true, Addresses = [stays, goes] });
        await ReadyAsync(app);
        using var http = Client(await network.StartMemberAsync());
        using var kept = await OpenAsync(http, stays);
        using var ended = await OpenAsync(http, goes);
        await EchoAsync(kept);
        await EchoAsync(ended);

        await network.ChangeAsync(app.Node.Id, m => m with { Addresses = [stays, comes] });
        await SecuredApp.EventuallyAsync(() => !app.Broken.IsEmpty, () => "the connection on the address that went is open");
        Assert.Contains($"The address {goes} is no longer this node's", Assert.Single(app.Broken).ToString(), StringComparison.Ordinal);
        await EchoAsync(kept);
        using var moved = await OpenAsync(http, comes);
        await EchoAsync(moved);
        await Assert.ThrowsAnyAsync<WebSocketException>(() => EchoAsync(ended).WaitAsync(TimeSpan.FromMinutes(2), Token));
    }

    [Fact]
    public async Task A_member_that_is_put_out_is_refused_while_others_go_on()
    {
        await using var network = await PrivateNetwork.StartAsync();
        await using var app = await PrivateApp.StartAsync(network, Token);
        await network.AuthorizeAsync(app.Node.Id);
        await ReadyAsync(app);
        var member = await network.StartMemberAsync();
        var revoked = await network.StartMemberAsync();
        using var staying = Client(member);
        using var refused = Client(revoked);
        using var open = await OpenAsync(staying, app.AddressOf(AddressFamily.InterNetwork));
        var url = app.Url(AddressFamily.InterNetwork);
        await staying.GetStringAsync(url, Token);
        await refused.GetStringAsync(url, Token);

        var clock = Stopwatch.StartNew();
        var last = TimeSpan.Zero;
        await network.AuthorizeAsync(revoked.Id, authorized: false);
        while (await IsServedAsync(refused, url))
        {
            last = clock.Elapsed;
            Assert.True(last < TimeSpan.FromMinutes(1), "the member that was put out is served");
        }

        output.WriteLine($"Last served {last.TotalMilliseconds:F0} ms after it was put out.");
        await SecuredApp.EventuallyAsync(
            () => app.Node.GetStatistics().Dropped.ContainsKey("vl2.no-membership"), () => "nothing was refused for lack of a membership");
        await EchoAsync(open);
        await staying.GetStringAsync(url, Token);
    }

    private static HttpClient Client(ZeroTierNode node) => new(new ZeroTierHttpHandler(node)) { Timeout = TimeSpan.FromMinutes(1) };

    private static async Task ReadyAsync(PrivateApp app)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while ((await app.CheckReadyAsync(limit.Token)).Status != HealthStatus.Healthy)
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private static async Task<bool> IsServedAsync(HttpClient http, Uri url)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            await http.GetStringAsync(url, limit.Token);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !Token.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task<ClientWebSocket> OpenAsync(HttpClient http, IPAddress address)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(PrivateApp.Url(address, "/ws", scheme: "ws"), http, Token);
        return socket;
    }

    private static async Task EchoAsync(ClientWebSocket socket)
    {
        byte[] message = Guid.NewGuid().ToByteArray();
        byte[] buffer = new byte[64];
        await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, Token);
        var received = await socket.ReceiveAsync(buffer.AsMemory(), Token);
        Assert.Equal(message, buffer[..received.Count]);
    }
}
