using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using ZeroTier.Testing;

namespace ZeroTier.Service.AspNetCore.Tests.Pages;

/// <summary>The status page without a browser: who gets in, what is sent, how much.</summary>
public class StatusPageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_for_those_who_have_signed_in()
    {
        await using ServiceApp app = await StartAsync();
        Assert.Contains("name=\"token\"", await app.Client.GetStringAsync("/zerotier/", Cancel), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await app.StatusAsync("/zerotier/api/events"));
        await SignInAsync(app);
        Assert.DoesNotContain("name=\"token\"", await app.Client.GetStringAsync("/zerotier/", Cancel), StringComparison.Ordinal);
        using JsonDocument status = await ReadAsync(app);
        Assert.Equal(app.Node.Id.ToString(), status.RootElement.GetProperty("node").GetString());
    }

    [Fact]
    public async Task It_is_refused_to_other_machines()
    {
        await using ServiceApp app = await StartAsync(from: IPAddress.Parse("192.0.2.1"));
        Assert.Equal(HttpStatusCode.Forbidden, await app.StatusAsync("/zerotier/"));
        Assert.Equal(HttpStatusCode.Unauthorized, await app.StatusAsync("/zerotier/api/events"));
    }

    [Fact]
    public async Task It_changes_nothing()
    {
        await using ServiceApp app = await StartAsync();
        await SignInAsync(app);
        foreach (string method in (string[])["POST", "PUT", "PATCH", "DELETE"])
        {
            Assert.Equal(HttpStatusCode.MethodNotAllowed, (await app.SendAsync(method, "/zerotier/api/events")).Status);
        }
    }

    [Fact]
    public async Task It_says_what_is_in_the_way()
    {
        await using ServiceApp app = await StartAsync();
        await SignInAsync(app);
        await app.Node.WaitForOnlineAsync(Cancel);
        await app.Node.WaitForNetworkAsync(TestNetwork.Network, Cancel);
        using (JsonDocument good = await ReadAsync(app))
        {
            Assert.Empty(good.RootElement.GetProperty("problems").EnumerateArray());
            JsonElement network = Assert.Single(good.RootElement.GetProperty("networks").EnumerateArray());
            Assert.Equal(TestNetwork.Network.ToString(), network.GetProperty("id").GetString());
            Assert.True(network.GetProperty("ready").GetBoolean());
        }

        await app.Node.StopAsync(Cancel);
        using JsonDocument bad = await ReadAsync(app);
        Assert.Contains(
            "Stopped", Assert.Single(bad.RootElement.GetProperty("problems").EnumerateArray()).GetString(), StringComparison.Ordinal);
        Assert.False(bad.RootElement.TryGetProperty("node", out _));
    }

    [Fact]
    public async Task What_an_engine_does_not_know_is_left_out()
    {
        await using ServiceApp app = await StartAsync(new SparseNode());
        await SignInAsync(app);
        using JsonDocument status = await ReadAsync(app);
        Assert.False(status.RootElement.TryGetProperty("places", out _));
        Assert.Equal(JsonValueKind.Array, status.RootElement.GetProperty("peers").ValueKind);
    }

    [Fact]
    public async Task Streams_have_a_limit_and_make_room_when_they_end()
    {
        await using ServiceApp app = await StartAsync(onKestrel: true);
        await SignInAsync(app);
        var open = new List<HttpResponseMessage>();
        for (int i = 0; i < Status.StatusPage.MaxStreams; i++)
        {
            open.Add(await app.Client.GetAsync("/zerotier/api/events", HttpCompletionOption.ResponseHeadersRead, Cancel));
            Assert.Equal(HttpStatusCode.OK, open[^1].StatusCode);
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await app.StatusAsync("/zerotier/api/events"));
        open.ForEach(response => response.Dispose());
        while (true)
        {
            using HttpResponseMessage again =
                await app.Client.GetAsync("/zerotier/api/events", HttpCompletionOption.ResponseHeadersRead, Cancel);
            if (again.StatusCode == HttpStatusCode.OK)
            {
                break;
            }

            await Task.Delay(50, Cancel);
        }
    }

    private static Task<ServiceApp> StartAsync(ZeroTierNode? node = null, IPAddress? from = null, bool onKestrel = false) =>
        ServiceApp.StartAsync(
            node: node, map: app => app.MapZeroTierStatus(), from: from, sendsToken: false, onKestrel: onKestrel,
            build: builder =>
            {
                if (onKestrel)
                {
                    builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
                }
            });

    private static async Task SignInAsync(ServiceApp app)
    {
        using var form = new FormUrlEncodedContent([new("token", app.Token)]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/zerotier/") { Content = form };
        using HttpResponseMessage answer = await app.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        if (answer.Headers.TryGetValues("Set-Cookie", out var cookies))
        {
            Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
            app.Client.DefaultRequestHeaders.Add("Cookie", cookies.Single().Split(';')[0]);
        }

        app.Client.DefaultRequestHeaders.Add("X-ZeroTier-Page", "use");
    }

    private static async Task<JsonDocument> ReadAsync(ServiceApp app)
    {
        using HttpResponseMessage response =
            await app.Client.GetAsync("/zerotier/api/events", HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Cancel));
        while (await lines.ReadLineAsync(Cancel) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return JsonDocument.Parse(line[6..]);
            }
        }

        throw new InvalidOperationException("The stream has ended.");
    }
}
