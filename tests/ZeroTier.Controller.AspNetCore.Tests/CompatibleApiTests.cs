using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace ZeroTier.Controller.AspNetCore.Tests;

public sealed class CompatibleApiTests
{
    /// <summary>The calls of ztncui, and what zero-ui does after a deletion (docs/protocol/5-http-api.md 5.11).</summary>
    [Fact]
    public async Task Calls_of_web_interfaces_make_a_network_with_members()
    {
        await using ControllerApp app = await ControllerApp.StartAsync();
        JsonNode network = await PostAsync(app, "/controller/network/df18b69da7______", """{"name":"office"}""");
        string path = $"/controller/network/{network["nwid"]}";
        await PostAsync(app, path, """{"v4AssignMode":{"zt":true}}""");
        await PostAsync(app, path, """{"v6AssignMode":{"6plane":false,"rfc4193":true,"zt":false}}""");
        await PostAsync(app, path, """{"ipAssignmentPools":[{"ipRangeStart":"10.66.0.1","ipRangeEnd":"10.66.0.254"}]}""");
        network = await PostAsync(
            app, path, """{"routes":[{"target":"10.66.0.0/24","via":null},{"target":"192.168.7.0/24","via":"10.66.0.9"}]}""");
        network = await PostAsync(app, path, """{"dns":{"domain":"office.example","servers":["10.66.0.9"]},"private":true}""");
        Assert.Equal("10.66.0.254", (string?)network["ipAssignmentPools"]![0]!["ipRangeEnd"]);

        // Lists are changed by reading, editing and sending them back, and entries are found by their text.
        JsonArray routes = network["routes"]!.AsArray();
        routes.Remove(routes.Single(r => (string?)r!["target"] == "192.168.7.0/24"));
        network = await PostAsync(app, path, new JsonObject { ["routes"] = routes.DeepClone() }.ToJsonString());
        Assert.Equal("""[{"target":"10.66.0.0/24","via":null}]""", network["routes"]!.ToJsonString());
        Assert.Equal($"[\"{network["id"]}\"]", (await app.SendAsync("GET", "/controller/network")).Text);

        JsonNode member = await PostAsync(app, path + "/member/0844d636d6", """{"authorized":true,"name":"laptop"}""");
        Assert.True((bool)member["authorized"]!);
        Assert.Equal("api", (string?)member["lastAuthorizedCredentialType"]);
        member = await PostAsync(app, path + "/member/0844d636d6", """{"ipAssignments":["10.66.0.7"]}""");
        Assert.Equal("""["10.66.0.7"]""", member["ipAssignments"]!.ToJsonString());
        Assert.Equal("""{"0844d636d6":2}""", (await app.SendAsync("GET", path + "/member")).Text);

        (HttpStatusCode status, string deleted) = await app.SendAsync("DELETE", path + "/member/0844d636d6");
        Assert.Equal((HttpStatusCode.OK, "laptop"), (status, (string?)JsonNode.Parse(deleted)!["name"]));
        member = await PostAsync(
            app, path + "/member/0844d636d6", """{"authorized":false,"ipAssignments":[],"capabilities":[],"tags":[]}""");
        Assert.False((bool)member["authorized"]!);
        Assert.Equal(HttpStatusCode.OK, (await app.SendAsync("DELETE", path)).Status);
        Assert.Equal((HttpStatusCode.NotFound, ""), await app.SendAsync("GET", path));
    }

    [Fact]
    public async Task Revision_counts_changes_and_nothing_else()
    {
        await using ControllerApp app = await ControllerApp.StartAsync();
        const string path = "/controller/network/df18b69da7000001";

        Assert.Equal(1, (long)(await PostAsync(app, path, "{}"))["revision"]!);
        Assert.Equal(1, (long)(await PostAsync(app, path, """{"name":""}"""))["revision"]!);
        Assert.Equal(2, (long)(await PostAsync(app, path, """{"name":"a","mtu":1400,"private":false}"""))["revision"]!);
        Assert.Equal(2, (long)(await PostAsync(app, path, """{"revision":77,"foo":1}"""))["revision"]!);
        Assert.Equal(1, (long)(await PostAsync(app, path + "/member/0844d636d6", "{}"))["revision"]!);
        Assert.Equal(1, (long)(await PostAsync(app, path + "/member/0844d636d6", "{}"))["revision"]!);
    }

    [Fact]
    public async Task Address_of_another_member_is_refused_with_the_reason()
    {
        await using ControllerApp app = await ControllerApp.StartAsync();
        const string path = "/controller/network/df18b69da7000001";
        await PostAsync(app, path, "{}");
        await PostAsync(app, path + "/member/0844d636d6", """{"ipAssignments":["10.66.0.7"]}""");

        (HttpStatusCode status,
            string text) = await app.SendAsync("POST", path + "/member/035472eb06", """{"ipAssignments":["10.66.0.7"]}""");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("0844d636d6", (string?)JsonNode.Parse(text)!["description"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Body_beyond_the_bound_is_refused(bool chunked)
    {
        await using ControllerApp app = await ControllerApp.StartAsync(options => options.MaxRequestBodySize = 2048, onKestrel: true);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/controller/network/df18b69da7000001")
        {
            Content = new StringContent("""{"name":"a"}""" + new string(' ', 2048)),
        };
        request.Headers.TransferEncodingChunked = chunked;

        using HttpResponseMessage response = await app.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Empty(app.Controller.Networks);
    }

    [Fact]
    public async Task Head_has_the_length_of_get_and_no_body()
    {
        await using ControllerApp app = await ControllerApp.StartAsync(onKestrel: true);
        using var request = new HttpRequestMessage(HttpMethod.Head, "/controller/network");

        using HttpResponseMessage response = await app.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, 2L), (response.StatusCode, response.Content.Headers.ContentLength));
    }

    /// <summary>Bodies of the recorded cases, with bytes changed, doubled, cut and exchanged.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Mutated_bodies_are_taken_or_refused_with_the_error_object(int seed)
    {
        await using ControllerApp app = await ControllerApp.StartAsync();
        await PostAsync(app, "/controller/network/df18b69da7000001", "{}");
        byte[][] bodies = [.. RecordedCases.All.Where(c => c.Body?.Length > 0).Select(c => Encoding.UTF8.GetBytes(c.Body!))];
        var random = new Random(seed);
        for (int i = 0; i < 1000; i++)
        {
            byte[] body = Mutation.Of([.. bodies[random.Next(bodies.Length)]], bodies, random);
            string path = random.Next(2) == 0
                ? "/controller/network/df18b69da7000001"
                : "/controller/network/df18b69da7000001/member/0844d636d6";
            using HttpResponseMessage response = await app.Client.PostAsync(
                path, new ByteArrayContent(body), TestContext.Current.CancellationToken);
            string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                Assert.True(
                    response.StatusCode == HttpStatusCode.BadRequest, $"{(int)response.StatusCode} to {Convert.ToHexString(body)}: {text}");
                Assert.Equal(400, (int)JsonNode.Parse(text)!["error"]!);
            }
        }
    }

    private static async Task<JsonNode> PostAsync(ControllerApp app, string path, string body)
    {
        (HttpStatusCode status, string text) = await app.SendAsync("POST", path, body);
        Assert.True(status == HttpStatusCode.OK, text);
        return JsonNode.Parse(text)!;
    }
}
