using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace ZeroTier.Controller.AspNetCore.Tests;

public sealed class ResourceApiTests
{
    private const string Member = "/members/0844d636d6";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_parameter_that_does_not_bind_is_a_problem()
    {
        await using ControllerApp app = await StartAsync();
        using HttpResponseMessage answer = await SendAsync(app, "GET", "/v1/networks?limit=abc");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Network_is_made_changed_and_deleted()
    {
        await using ControllerApp app = await StartAsync();
        using HttpResponseMessage made = await SendAsync(
            app, "POST", "/v1/networks", """{"name":"office","routes":[{"target":"10.66.0.0/24"}],"assignsIpv4":true}""");
        Assert.Equal((HttpStatusCode.Created, "\"1\""), (made.StatusCode, made.Headers.ETag!.Tag));
        string path = made.Headers.Location!.ToString();
        JsonNode network = (await ReadAsync(made))!;
        Assert.Equal($"/v1/networks/{network["id"]}", path);

        using HttpResponseMessage changed = await SendAsync(
            app, "PATCH", path, """{"mtu":1400,"ipv6":{"pool":false,"rfc4193":true,"sixPlane":false}"""
            + ""","dns":{"domain":"office.example","servers":["10.66.0.9"]}}""");
        network = (await ReadAsync(changed))!;
        Assert.Equal((HttpStatusCode.OK, "\"2\""), (changed.StatusCode, changed.Headers.ETag!.Tag));
        Assert.Equal(
            ("office", 1400, "office.example"), ((string?)network["name"], (int)network["mtu"]!, (string?)network["dns"]!["domain"]));
        Assert.Equal("""[{"target":"10.66.0.0/24","via":null}]""", network["routes"]!.ToJsonString());

        network = (await ReadAsync(await SendAsync(app, "PATCH", path, """{"dns":{"domain":"","servers":[]}}""")))!;
        Assert.Null(network["dns"]);
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(app, "DELETE", path)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(app, "GET", path)).StatusCode);
    }

    [Fact]
    public async Task Change_that_builds_on_another_revision_is_refused()
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app);
        await SendAsync(app, "PATCH", path, """{"name":"first"}""", ("If-Match", "\"1\""));

        using HttpResponseMessage lost = await SendAsync(app, "PATCH", path, """{"name":"second"}""", ("If-Match", "\"1\""));
        using HttpResponseMessage foreign = await SendAsync(app, "DELETE", path, null, ("If-Match", "\"abc\""));
        using HttpResponseMessage rules = await SendAsync(app, "PUT", path + "/rules", """{"source":"accept;"}""", ("If-Match", "\"1\""));

        Assert.Equal(HttpStatusCode.PreconditionFailed, lost.StatusCode);
        Assert.Equal("application/problem+json", lost.Content.Headers.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.PreconditionFailed, foreign.StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, rules.StatusCode);
        Assert.Equal("first", app.Controller.Networks.Single().Name);

        // A member that must be new.
        Assert.Equal(
            HttpStatusCode.OK,
            (await SendAsync(app, "PATCH", path + Member, """{"authorized":true}""", ("If-None-Match", "*"))).StatusCode);
        Assert.Equal(
            HttpStatusCode.PreconditionFailed,
            (await SendAsync(app, "PATCH", path + Member, """{"authorized":false}""", ("If-None-Match", "*"))).StatusCode);
        Assert.Equal(
            HttpStatusCode.OK,
            (await SendAsync(app, "PATCH", path + Member, """{"authorized":false}""", ("If-Match", "\"1\""))).StatusCode);
        Assert.Equal(
            HttpStatusCode.PreconditionFailed, (await SendAsync(app, "DELETE", path + Member, null, ("If-Match", "\"1\""))).StatusCode);
    }

    [Theory]
    [InlineData("If-Match", "\"2\"", 200, 200)]
    [InlineData("If-Match", "\"1\", \"2\"", 200, 200)]
    [InlineData("If-Match", "*", 200, 200)]
    [InlineData("If-Match", "W/\"2\"", 412, 412)]
    [InlineData("If-Match", "\"1\", \"3\"", 412, 412)]
    [InlineData("If-Match", "2", 400, 400)]
    [InlineData("If-None-Match", "\"2\"", 304, 412)]
    [InlineData("If-None-Match", "W/\"2\"", 304, 412)]
    [InlineData("If-None-Match", "\"1\", W/\"2\"", 304, 412)]
    [InlineData("If-None-Match", "*", 304, 412)]
    [InlineData("If-None-Match", "\"1\"", 200, 200)]
    [InlineData("If-None-Match", "W/\"1\", \"3\"", 200, 200)]
    public async Task Conditions_are_those_of_HTTP(string header, string value, int read, int changed)
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app);
        string compatible = path.Replace("/v1/networks", "/controller/network", StringComparison.Ordinal);
        await SendAsync(app, "PATCH", path, """{"name":"second"}""");
        foreach (string target in (string[])[path, path + "/rules", compatible])
        {
            using HttpResponseMessage found = await SendAsync(app, "GET", target, null, (header, value));
            Assert.Equal((target, read), (target, (int)found.StatusCode));
            Assert.True(read is not (200 or 304) || found.Headers.ETag!.Tag == "\"2\"");
        }

        Assert.Equal(changed, (int)(await SendAsync(app, "PATCH", path, """{"name":"third"}""", (header, value))).StatusCode);
        Assert.Equal(changed == 200 ? "third" : "second", app.Controller.Networks.Single().Name);

        using HttpResponseMessage written = await SendAsync(
            app, "POST", compatible, """{"name":"fourth"}""", (header, value.Replace('2', changed == 200 ? '3' : '2')));
        Assert.Equal(
            changed == 200 && value.Contains('3', StringComparison.Ordinal) && header == "If-None-Match" ? 412 : changed,
            (int)written.StatusCode);
    }

    [Fact]
    public async Task What_is_not_there_matches_nothing()
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app);
        string compatible = path.Replace("/v1/networks", "/controller/network", StringComparison.Ordinal);
        Assert.Equal(412, (int)(await SendAsync(app, "PATCH", path + Member, "{}", ("If-Match", "*"))).StatusCode);
        Assert.Equal(412, (int)(await SendAsync(app, "POST", compatible + "/member/0844d636d6", "{}", ("If-Match", "*"))).StatusCode);
        Assert.Equal(404, (int)(await SendAsync(app, "DELETE", path + Member, null, ("If-Match", "*"))).StatusCode);
        Assert.Equal(
            404, (int)(await SendAsync(app, "DELETE", compatible + "/member/0844d636d6", null, ("If-None-Match", "*"))).StatusCode);
        Assert.Equal(404, (int)(await SendAsync(app, "PATCH", "/v1/networks/0123456789abcdef", "{}", ("If-Match", "*"))).StatusCode);
        Assert.Empty(app.Controller.GetMembers(app.Controller.Networks.Single().Id));
        Assert.Equal(200, (int)(await SendAsync(app, "POST", compatible + "/member/0844d636d6", "{}", ("If-None-Match", "*"))).StatusCode);
        Assert.Equal(412, (int)(await SendAsync(app, "DELETE", compatible + "/member/0844d636d6", null, ("If-Match", "\"7\""))).StatusCode);
        Assert.Equal(200, (int)(await SendAsync(app, "DELETE", compatible + "/member/0844d636d6", null, ("If-Match", "\"1\""))).StatusCode);
        Assert.Equal(412, (int)(await SendAsync(app, "DELETE", compatible, null, ("If-Match", "W/\"1\""))).StatusCode);
    }

    [Fact]
    public async Task Names_are_switched_on_by_both_APIs()
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app);
        string compatible = path.Replace("/v1/networks", "/controller/network", StringComparison.Ordinal);
        Assert.Equal(400, (int)(await SendAsync(app, "PATCH", path, """{"servesNames":true}""")).StatusCode);
        JsonNode network = (await ReadAsync(
            await SendAsync(app, "PATCH", path, """{"servesNames":true,"dns":{"domain":"home.arpa","servers":[]}}""")))!;
        Assert.True((bool)network["servesNames"]!);
        Assert.True((bool)(await ReadAsync(await SendAsync(app, "GET", compatible)))!["serveNames"]!);
        network = (await ReadAsync(await SendAsync(app, "POST", compatible, """{"serveNames":false}""")))!;
        Assert.Null(network["serveNames"]);
        Assert.False((bool)(await ReadAsync(await SendAsync(app, "GET", path)))!["servesNames"]!);
        await SendAsync(app, "POST", compatible, """{"serveNames":true}""");
        Assert.True(app.Controller.Networks.Single().ServesNames);
    }

    [Fact]
    public async Task Lists_come_in_pages()
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app);
        for (int i = 1; i <= 5; i++)
        {
            await SendAsync(app, "PATCH", $"{path}/members/000000000{i}", "{}");
        }

        var seen = new List<string>();
        for (string? next = ""; next is not null;)
        {
            JsonNode page = (await ReadAsync(
                await SendAsync(app, "GET", $"{path}/members?limit=2" + (next.Length > 0 ? "&after=" + next : ""))))!;
            seen.AddRange(page["items"]!.AsArray().Select(m => (string)m!["id"]!));
            next = (string?)page["next"];

            // What was shown may go meanwhile.
            await SendAsync(app, "DELETE", $"{path}/members/{seen[^1]}");
        }

        Assert.Equal(["0000000001", "0000000002", "0000000003", "0000000004", "0000000005"], seen);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(app, "GET", "/v1/networks?limit=0")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(app, "GET", "/v1/networks?limit=1001")).StatusCode);

        // Newest first: three deletions, five creations, the network.
        JsonNode audit = (await ReadAsync(await SendAsync(app, "GET", "/v1/audit?limit=6")))!;
        JsonNode rest = (await ReadAsync(await SendAsync(app, "GET", $"/v1/audit?limit=6&after={audit["next"]}")))!;
        Assert.Equal("network.create", (string?)rest["items"]!.AsArray()[^1]!["action"]);
        Assert.Equal(("token", 3), ((string?)rest["items"]![0]!["actor"], rest["items"]!.AsArray().Count));
        Assert.Null(rest["next"]);
    }

    [Fact]
    public async Task Rules_are_set_as_text_or_json_and_errors_name_line_and_column()
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app) + "/rules";

        JsonNode rules = (await ReadAsync(await SendAsync(app, "PUT", path, """{"source":"drop not ethertype ipv4;\naccept;"}""")))!;
        Assert.Equal(3, rules["rules"]!.AsArray().Count);
        Assert.Equal("drop not ethertype ipv4;\naccept;", (string?)(await ReadAsync(await SendAsync(app, "GET", path)))!["source"]);

        using HttpResponseMessage wrong = await SendAsync(app, "PUT", path, """{"source":"accept;\n  drop ethertypo ipv4;"}""");
        JsonNode problem = (await ReadAsync(wrong))!;
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal((2, 3), ((int)problem["errors"]![0]!["line"]!, (int)problem["errors"]![0]!["column"]!));
        Assert.Equal(
            HttpStatusCode.BadRequest, (await SendAsync(app, "POST", "/v1/rules/check", """{"source":"drop ethertypo;"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(app, "POST", "/v1/rules/check", """{"source":"drop;"}""")).StatusCode);
        Assert.Equal(3, app.Controller.Networks.Single().Rules.Length);

        // JSON is strict here: what is no rule is an error, not left out.
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(app, "PUT", path, """{"rules":[{"type":"NONSENSE"}]}""")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(app, "PUT", path, "{}")).StatusCode);
        rules = (await ReadAsync(
            await SendAsync(app, "PUT", path, """{"rules":[{"type":"ACTION_DROP"}],"tags":[{"id":1,"default":2}]}""")))!;
        Assert.Equal(("", 1, 1), ((string?)rules["source"], rules["rules"]!.AsArray().Count, rules["tags"]!.AsArray().Count));
    }

    [Fact]
    public async Task Token_is_shown_once_and_named_by_its_hash()
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app) + "/tokens";

        using HttpResponseMessage made = await SendAsync(app, "POST", path, """{"expires":"2030-01-01T00:00:00Z"}""");
        JsonNode token = (await ReadAsync(made))!;
        string list = await (await SendAsync(app, "GET", path)).Content.ReadAsStringAsync(Cancellation);
        string network = await (await SendAsync(app, "GET", path[..^7])).Content.ReadAsStringAsync(Cancellation);

        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        Assert.Contains((string)token["token"]!, app.Controller.Networks.Single().JoinTokens.Keys);
        Assert.Contains((string)token["id"]!, list, StringComparison.Ordinal);
        Assert.DoesNotContain((string)token["token"]!, list + network, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(app, "DELETE", $"{path}/{token["id"]}")).StatusCode);
        Assert.Empty(app.Controller.Networks.Single().JoinTokens);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(app, "DELETE", $"{path}/{token["id"]}")).StatusCode);
    }

    [Fact]
    public async Task Events_tell_of_changes_of_a_network_and_end_with_the_host()
    {
        await using ControllerApp app = await StartAsync(onKestrel: true);
        string path = await MakeAsync(app), other = await MakeAsync(app);
        using HttpResponseMessage response = await app.Client.GetAsync(
            $"/v1/events?network={path[^16..]}", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        await using Stream stream = await response.Content.ReadAsStreamAsync(Cancellation);
        await using IAsyncEnumerator<SseItem<string>> events = SseParser.Create(stream)
            .EnumerateAsync(Cancellation)
            .GetAsyncEnumerator(Cancellation);
        Assert.Equal("ready", await NextAsync(events));

        await SendAsync(app, "PATCH", other, """{"name":"other"}""");
        await SendAsync(app, "PATCH", path, """{"name":"changed"}""");
        await SendAsync(app, "PATCH", path + Member, """{"authorized":true}""");
        await SendAsync(app, "DELETE", path + Member);

        Assert.Equal("network.changed", await NextAsync(events));
        Assert.Equal(2, (int)JsonNode.Parse(events.Current.Data)!["revision"]!);
        Assert.Equal("member.changed", await NextAsync(events));
        Assert.Equal("0844d636d6", (string?)JsonNode.Parse(events.Current.Data)!["member"]);
        Assert.Equal("member.deleted", await NextAsync(events));

        // An open stream does not hold the host until its patience ends, which is 30 seconds, and is not torn.
        await app.StopAsync();
        Assert.False(await events.MoveNextAsync());
    }

    [Theory]
    [InlineData("GET", "/v1/networks")]
    [InlineData("POST", "/v1/networks")]
    [InlineData("GET", "/v1/networks/df18b69da7000001")]
    [InlineData("PATCH", "/v1/networks/df18b69da7000001/members/0844d636d6")]
    [InlineData("PUT", "/v1/networks/df18b69da7000001/rules")]
    [InlineData("POST", "/v1/rules/check")]
    [InlineData("GET", "/v1/networks/df18b69da7000001/tokens")]
    [InlineData("GET", "/v1/audit")]
    [InlineData("GET", "/v1/events")]
    public async Task Without_token_nothing_is_served(string method, string path)
    {
        await using ControllerApp app = await StartAsync(sendsToken: false);

        using HttpResponseMessage response = await SendAsync(app, method, path, method == "GET" ? null : "{}");

        Assert.Equal((HttpStatusCode.Unauthorized, "Bearer"), (response.StatusCode, response.Headers.WwwAuthenticate.ToString()));
    }

    [Theory]
    [InlineData("""{"mtu":"1400"}""", "$.mtu")]
    [InlineData("""{"colour":"red"}""", "$.colour")]
    [InlineData("""{"mtu":100}""", "1280")]
    [InlineData("""{"routes":[{"target":"10.66.0.0"}]}""", "10.66.0.0")]
    [InlineData("""{"routes":[{}]}""", "$.routes[0]")]
    [InlineData("""{"routes":[null]}""", "routes")]
    [InlineData("""{"pools":[null]}""", "pools")]
    [InlineData("""{"dns":{"domain":"a","servers":["junk"]}}""", "junk")]
    [InlineData("null", "null")]
    [InlineData("{", "")]
    public async Task Wrong_value_is_refused_by_its_name(string body, string named)
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app);

        using HttpResponseMessage response = await SendAsync(app, "PATCH", path, body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(named, (string?)(await ReadAsync(response))!["detail"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Mutated_bodies_are_taken_or_refused_with_problem_details(int seed)
    {
        await using ControllerApp app = await StartAsync();
        string path = await MakeAsync(app);
        byte[][] bodies = [.. Bodies.Select(Encoding.UTF8.GetBytes)];
        string[] methods = ["PATCH", "PATCH", "PUT", "POST"], paths = [path, path + Member, path + "/rules", path + "/tokens"];
        var random = new Random(seed);
        for (int i = 0; i < 1500; i++)
        {
            byte[] body = Mutation.Of([.. bodies[random.Next(bodies.Length)]], bodies, random);
            int where = random.Next(paths.Length);
            using var request = new HttpRequestMessage(new HttpMethod(methods[where]), paths[where])
            {
                Content = new ByteArrayContent(body),
            };
            using HttpResponseMessage response = await app.Client.SendAsync(request, Cancellation);
            if (!response.IsSuccessStatusCode)
            {
                string text = await response.Content.ReadAsStringAsync(Cancellation);
                Assert.True(
                    response.StatusCode == HttpStatusCode.BadRequest,
                    $"{(int)response.StatusCode} to {methods[where]} {paths[where]} {Encoding.UTF8.GetString(body)}: {text}");
                Assert.Equal(400, (int)JsonNode.Parse(text)!["status"]!);
            }
        }
    }

    [Fact]
    public async Task Open_api_document_describes_every_resource()
    {
        await using ControllerApp app = await ControllerApp.StartAsync(
            build: builder => builder.Services.AddOpenApi(),
            map: app =>
            {
                app.MapOpenApi();
                app.MapZeroTierController();
                app.MapZeroTierControllerV1();
            });

        using HttpResponseMessage response = await SendAsync(app, "GET", "/openapi/v1.json");
        JsonNode document = (await ReadAsync(response))!;
        string[] paths = [.. document["paths"]!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal)];

        Assert.Equal(
            [
                "/v1/audit", "/v1/events", "/v1/networks", "/v1/networks/{network}", "/v1/networks/{network}/members",
                "/v1/networks/{network}/members/{node}",
                "/v1/networks/{network}/rules", "/v1/networks/{network}/tokens", "/v1/networks/{network}/tokens/{token}", "/v1/rules/check",
            ],
            paths);
        Assert.NotNull(document["paths"]!["/v1/networks/{network}"]!["patch"]!["requestBody"]!["content"]!["application/json"]!["schema"]);
        Assert.NotNull(document["components"]!["schemas"]!["MemberResource"]!["properties"]!["lastSeen"]);
    }

    private static readonly string[] Bodies =
    [
        """{"name":"office","private":true,"mtu":1400,"multicastLimit":32,"broadcast":false,"assignsIpv4":true}""",
        """{"ipv6":{"pool":false,"rfc4193":true,"sixPlane":false}"""
            + ""","routes":[{"target":"10.66.0.0/24","via":"10.66.0.1"}],"pools":[{"first":"10.66.0.1","last":"10.66.0.9"}]}""",
        """{"dns":{"domain":"office.example","servers":["10.66.0.9","fd00::9"]}}""",
        """{"name":"laptop","authorized":true,"activeBridge":false,"assignsAddresses":true"""
            + ""","addresses":["10.66.0.7"],"tags":{"1":2},"capabilities":[1,2]}""",
        """{"rules":[{"type":"MATCH_CHARACTERISTICS","mask":"2"},{"type":"ACTION_DROP"}]"""
            + ""","capabilities":[{"id":1,"rules":[{"type":"ACTION_ACCEPT"}]}],"tags":[{"id":1,"default":2}]}""",
        """{"source":"tag a id 1 enum 2 b; cap c id 3 accept; ; drop not ethertype ipv4; accept;"}""",
        """{"expires":"2030-01-01T00:00:00Z"}""",
    ];

    private static Task<ControllerApp> StartAsync(bool onKestrel = false, bool sendsToken = true) =>
        ControllerApp.StartAsync(
            map: app =>
            {
                app.MapZeroTierController();
                app.MapZeroTierControllerV1();
            },
            onKestrel: onKestrel, sendsToken: sendsToken);

    private static async Task<string> MakeAsync(ControllerApp app)
    {
        using HttpResponseMessage made = await SendAsync(app, "POST", "/v1/networks", "{}");
        return made.Headers.Location!.ToString();
    }

    private static async Task<HttpResponseMessage> SendAsync(
        ControllerApp app, string method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = body is null ? null : new StringContent(body, Encoding.UTF8,
            "application/json")
        };
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await app.Client.SendAsync(request, Cancellation);
    }

    private static async Task<JsonNode?> ReadAsync(HttpResponseMessage response) =>
        JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation));

    private static async Task<string> NextAsync(IAsyncEnumerator<SseItem<string>> events)
    {
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
        return events.Current.EventType;
    }
}
