using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;

namespace WebApi.Tests;

/// <summary>Every endpoint of the sample, over ZeroTier and Kestrel, without a socket.</summary>
public sealed class EndpointTests(SampleApp app) : IClassFixture<SampleApp>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Root_names_both_nodes()
    {
        await using var caller = await app.Network.StartNodeAsync(cancellationToken: Cancel);
        using var client = await app.Network.CreateClientAsync(app.Services, caller, Cancel);
        string answer = await client.GetStringAsync("/", Cancel);
        Assert.StartsWith(
            $"I am node {app.Services.GetRequiredService<ZeroTierNode>().Id}. You are node {caller.Id} on network",
            answer,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Root_does_not_say_what_is_not_known()
    {
        await using var factory = SampleApp.OnNetwork(app.Network);
        using var inside = factory.CreateClient();
        await factory.Services.GetRequiredService<ZeroTierNode>().WaitForOnlineAsync(Cancel);
        var context = await factory.Server.SendAsync(
            request =>
            {
                request.Request.Method = HttpMethods.Get;
                request.Request.Path = "/";
                request.Connection.RemoteIpAddress = IPAddress.Parse("fc00::7");
                request.Features.Set<IZeroTierPeerFeature>(new UnknownPeer());
            },
            Cancel);
        using var reader = new StreamReader(context.Response.Body);
        Assert.EndsWith("You are fc00::7 on network 8056c2e21c000001.\n", await reader.ReadToEndAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Healthz_is_healthy() => Assert.Equal("Healthy", await app.Client.GetStringAsync("/healthz", Cancel));

    [Fact]
    public async Task Events_begins_with_the_state_and_tells_of_a_new_network()
    {
        await using var body = await app.Client.GetStreamAsync("/events", Cancel);
        var events = SseParser.Create(body).EnumerateAsync(Cancel).GetAsyncEnumerator(Cancel);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("state", events.Current.EventType);
        Assert.EndsWith("is online", events.Current.Data, StringComparison.Ordinal);

        var network = NetworkId.AdHoc(7, 7);
        await app.Services.GetRequiredService<ZeroTierNode>().JoinAsync(network, Cancel);
        do
        {
            Assert.True(await events.MoveNextAsync());
        }
        while (!events.Current.Data.Contains(network.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5_000_000)]
    public async Task Stream_gives_so_many_bytes(int bytes) =>
        Assert.Equal(new byte[bytes], await app.Client.GetByteArrayAsync($"/stream?bytes={bytes}", Cancel));

    [Fact]
    public async Task Stream_of_less_than_nothing_is_refused()
    {
        using var response = await app.Client.GetAsync("/stream?bytes=-1", Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Upload_answers_with_the_hash()
    {
        byte[] data = RandomNumberGenerator.GetBytes(3_000_000);
        using var response = await app.Client.PostAsync("/upload", new ByteArrayContent(data), Cancel);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(data)) + "\n", await response.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task Download_gives_the_file_and_ranges_of_it()
    {
        byte[] whole = await app.Client.GetByteArrayAsync("/download", Cancel);
        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "WebApi.dll"), Cancel), whole);

        using var request = new HttpRequestMessage(HttpMethod.Get, "/download") { Headers = { Range = new RangeHeaderValue(100, 299) } };
        using var response = await app.Client.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        Assert.Equal(whole[100..300], await response.Content.ReadAsByteArrayAsync(Cancel));
    }

    [Fact]
    public async Task Ws_echoes()
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(app.Client.BaseAddress!) { Scheme = "ws", Path = "/ws" }.Uri, app.Client, Cancel);
        byte[] message = RandomNumberGenerator.GetBytes(10_000);
        byte[] buffer = new byte[16 * 1024];
        await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, Cancel);
        int length = 0;
        ValueWebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer.AsMemory(length), Cancel);
            length += received.Count;
        }
        while (!received.EndOfMessage);
        Assert.Equal(message, buffer[..length]);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
    }

    [Fact]
    public async Task Ws_without_a_websocket_is_refused()
    {
        using var response = await app.Client.GetAsync("/ws", Cancel);
        Assert.Equal(StatusCodes.Status400BadRequest, (int)response.StatusCode);
    }

    [Fact]
    public async Task Http2_is_served_where_an_endpoint_asks_for_it()
    {
        await using var factory = SampleApp.WithHttp2(app.Network);
        using var client = await app.Network.CreateClientAsync(factory.Services, cancellationToken: Cancel);
        client.DefaultRequestVersion = HttpVersion.Version20;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var response = await client.GetAsync("/", Cancel);
        Assert.Equal(HttpVersion.Version20, response.Version);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>A caller over libzt.</summary>
    private sealed class UnknownPeer : IZeroTierPeerFeature
    {
        public NodeId? Node => null;

        public NetworkId Network { get; } = NetworkId.Parse("8056c2e21c000001");

        public bool? IsDirect => null;

        public TimeSpan? Latency => null;

        public ZeroTierMembership? Membership => null;
    }
}
