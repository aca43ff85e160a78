using System.Net;
using System.Text.Json.Nodes;
using ZeroTier.Managed;
using ZeroTier.Testing;

namespace ZeroTier.Service.AspNetCore.Tests;

/// <summary>What the API says of the node, and does with it (docs/protocol/5-http-api.md 5.4).</summary>
public sealed class NodeApiTests
{
    private static readonly string AdHoc = TestNetwork.Network.ToString();

    [Fact]
    public async Task Status_says_who_the_node_is_and_where_its_roots_are()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        await app.Node.WaitForOnlineAsync(TestContext.Current.CancellationToken);

        JsonNode status = await ReadAsync(app, "/status");

        Assert.Equal(app.Node.Id.ToString(), (string?)status["address"]);
        Assert.Equal(app.Node.Id, NodeIdentity.Parse((string)status["publicIdentity"]!).Address);
        Assert.False(NodeIdentity.Parse((string)status["publicIdentity"]!).HasSecret);
        Assert.NotEqual(0UL, (ulong)status["planetWorldId"]!);
        Assert.True((bool)status["online"]!);
        Assert.Equal("managed", (string?)status["engine"]);
    }

    [Fact]
    public async Task Join_and_leave_are_those_of_the_node()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        NetworkId id = NetworkId.AdHoc(80, 90);

        JsonNode joined = JsonNode.Parse((await app.SendAsync("POST", $"/network/{id}", "{}")).Text)!;
        Assert.Equal(
            app.Node.Networks.Single(network => network.Id == id).Addresses[0].ToString(), (string?)joined["assignedAddresses"]![0]);
        Assert.Equal("OK", (string?)joined["status"]);
        Assert.Equal("PUBLIC", (string?)joined["type"]);

        Assert.Equal("""{"result":true}""", (await app.SendAsync("DELETE", $"/network/{id}")).Text);
        Assert.DoesNotContain(app.Node.Networks, network => network.Id == id);
        Assert.Equal("{}", (await app.SendAsync("DELETE", $"/network/{id}")).Text);
        Assert.Equal(
            (HttpStatusCode.NotFound, "{}"),
            await app.SendAsync("GET", $"/network/{id}") is var (status, _, text) ? (status, text) : default);
    }

    [Fact]
    public async Task Settings_of_a_network_are_in_force_at_once_and_end_with_it()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        await app.Node.WaitForNetworkAsync(TestNetwork.Network, TestContext.Current.CancellationToken);

        JsonNode off = JsonNode.Parse((await app.SendAsync(
            "POST", $"/network/{AdHoc}", """{"allowManaged":false,"allowDefault":true,"allowDNS":false}""")).Text)!;
        Assert.False((bool)off["allowManaged"]!);
        Assert.False((bool)off["allowDNS"]!);
        Assert.True((bool)off["allowDefault"]!);
        Assert.Single(off["assignedAddresses"]!.AsArray());
        ZeroTierNetwork network = app.Node.Networks.Single();
        Assert.False(network.IsReady);
        Assert.Contains("AllowManaged", network.Detail, StringComparison.Ordinal);

        JsonNode on = JsonNode.Parse((await app.SendAsync("POST", $"/network/{AdHoc}", """{"allowManaged":true}""")).Text)!;
        Assert.True((bool)on["allowDefault"]!);
        Assert.True(app.Node.Networks.Single().IsReady);

        await app.SendAsync("DELETE", $"/network/{AdHoc}");
        JsonNode again = JsonNode.Parse((await app.SendAsync("POST", $"/network/{AdHoc}")).Text)!;
        Assert.False((bool)again["allowDefault"]!);
        Assert.True((bool)again["allowDNS"]!);
    }

    [Fact]
    public async Task Settings_outlast_a_restart_of_the_node()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        await app.SendAsync("POST", $"/network/{AdHoc}", """{"allowGlobal":true}""");

        await app.Node.RestartAsync(TestContext.Current.CancellationToken);

        Assert.True((bool)(await ReadAsync(app, $"/network/{AdHoc}"))["allowGlobal"]!);
    }

    [Fact]
    public async Task Peers_show_their_paths_and_unknown_ones_are_empty()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        await app.Node.WaitForOnlineAsync(TestContext.Current.CancellationToken);

        JsonNode root = (await ReadAsync(app, "/peer"))[0]!;
        Assert.Equal("PLANET", (string?)root["role"]);
        JsonNode path = Assert.Single(root["paths"]!.AsArray())!;
        Assert.Matches(@"^[0-9a-f.:]+/\d+$", (string)path["address"]!);
        Assert.True((bool)path["preferred"]!);
        Assert.True((long)path["lastSend"]! > 0);
        Assert.True((long)path["lastReceive"]! > 0);
        Assert.Equal((string?)root["address"], (string?)(await ReadAsync(app, $"/peer/{root["address"]}"))["address"]);
        Assert.Equal("{}", (await app.SendAsync("GET", "/peer/0123456789")).Text);
    }

    [Fact]
    public async Task Moon_is_awaited_shown_and_left()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        var node = (ManagedNode)((ZeroTier.Hosting.Node.NodeHost)app.Node).Inner!;
        using PlanetSigningKey key = PlanetSigningKey.Generate();
        PlanetRoot root = node.Planet!.Roots[0];
        var moon = Moon.Create(0xdeadbeef01, DateTimeOffset.UnixEpoch.AddDays(1), [root], key);

        Assert.Equal("{}", (await app.SendAsync("POST", "/moon/deadbeef01", "{}")).Text);
        JsonNode waiting = JsonNode.Parse((await app.SendAsync(
            "POST", "/moon/deadbeef01", $$"""{"seed":"{{root.Identity.Address}}"}""")).Text)!;
        Assert.True((bool)waiting["waiting"]!);
        await node.OrbitAsync(new MoonOrbit(moon), TestContext.Current.CancellationToken);

        JsonNode known = Assert.Single((await ReadAsync(app, "/moon")).AsArray())!;
        Assert.Equal("000000deadbeef01", (string?)known["id"]);
        Assert.Equal(86_400_000UL, (ulong)known["timestamp"]!);
        Assert.Equal(Convert.ToHexStringLower(moon.Signature), (string?)known["signature"]);
        Assert.Equal(192, ((string)known["signature"]!).Length);
        Assert.Equal(Convert.ToHexStringLower(moon.UpdateKey), (string?)known["updatesMustBeSignedBy"]);
        Assert.Equal(root.Identity.ToString(), (string?)known["roots"]![0]!["identity"]);

        Assert.Equal("""{"result":true}""", (await app.SendAsync("DELETE", "/moon/deadbeef01")).Text);
        Assert.Empty((await ReadAsync(app, "/moon")).AsArray());
    }

    [Fact]
    public async Task Metrics_are_lines_of_the_text_format()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        await app.Node.WaitForOnlineAsync(TestContext.Current.CancellationToken);

        (HttpStatusCode status, string? type, string text) = await app.SendAsync("GET", "/metrics");

        Assert.Equal((HttpStatusCode.OK, "text/plain"), (status, type));
        Assert.Contains("\nzt_num_networks 1\n", text, StringComparison.Ordinal);
        Assert.Matches("\nzt_data\\{direction=\"rx\",protocol=\"udp\"\\} [1-9]\\d*\n", text);
        Assert.Contains($"zt_peer_path_count{{node_id=\"{app.Node.Peers[0].Id}\",status=\"alive\"}} 1\n", text, StringComparison.Ordinal);
        string[] lines = text.Split('\n');
        Assert.Equal("", lines[^1]);
        Assert.All(
            lines[..^1],
            line => Assert.Matches(
                """^(# (HELP|TYPE) [a-z_0-9]+ .+|[a-z_0-9]+(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? -?\d+)$""", line));

        // Each metric has its type once, before its values.
        string[] types = [.. lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])];
        Assert.Equal(types.Distinct(), types);
        Assert.All(lines.Where(line => line.Length > 0 && line[0] != '#'), line => Assert.Contains(line.Split('{', ' ')[0], types));
    }

    [Fact]
    public async Task Node_that_does_not_run_is_unavailable()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();
        await app.Node.StopAsync(TestContext.Current.CancellationToken);

        foreach (string path in (string[])["/status", "/health", "/network", "/peer", "/moon", "/metrics"])
        {
            (HttpStatusCode status, _, string text) = await app.SendAsync("GET", path);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
            Assert.Contains("does not run", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_an_engine_is_not_told_is_left_out()
    {
        await using ServiceApp app = await ServiceApp.StartAsync(node: new SparseNode());

        JsonNode status = await ReadAsync(app, "/status");
        Assert.Equal("89e92ceee5", (string?)status["address"]);
        Assert.Null(status["publicIdentity"]);
        Assert.Null(status["planetWorldId"]);
        Assert.Equal("libzt", (string?)status["engine"]);

        JsonNode peer = (await ReadAsync(app, "/peer"))[0]!;
        Assert.Equal("-1.-1.-1", (string?)peer["version"]);
        Assert.Equal(-1, (int)peer["latency"]!);
        Assert.Empty(peer["paths"]!.AsArray());
        Assert.Equal("LEAF", (string?)peer["role"]);

        Assert.Equal("office \"1\"\n", (string?)(await ReadAsync(app, "/network"))[0]!["name"]);
        Assert.Equal("[]", (await app.SendAsync("GET", "/moon")).Text);
        Assert.Contains(
            "zt_data{direction=\"rx\",protocol=\"udp\"} 7\n", (await app.SendAsync("GET", "/metrics")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_engine_cannot_do_is_refused_with_the_reason()
    {
        await using ServiceApp app = await ServiceApp.StartAsync(node: new SparseNode());

        (HttpStatusCode status, _, string text) = await app.SendAsync("POST", $"/network/{AdHoc}", """{"allowGlobal":true}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("managed engine", text, StringComparison.Ordinal);
        (status, _, text) = await app.SendAsync("POST", "/moon/deadbeef01", """{"seed":"deadbeef01"}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("managed engine", text, StringComparison.Ordinal);

        // What is so already needs no engine that could change it.
        Assert.Equal(HttpStatusCode.OK, (await app.SendAsync("POST", $"/network/{AdHoc}", """{"allowGlobal":false}""")).Status);
    }

    [Fact]
    public async Task Setting_of_the_service_is_refused_by_its_name()
    {
        await using ServiceApp app = await ServiceApp.StartAsync();

        (HttpStatusCode status, _,
            string text) = await app.SendAsync("POST", "/config/settings", """{"allowManagementFrom":["10.0.0.0/8"]}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("allowManagementFrom", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await app.SendAsync("POST", "/config/settings", "{}")).Status);
    }

    private static async Task<JsonNode> ReadAsync(ServiceApp app, string path)
    {
        (HttpStatusCode status, _, string text) = await app.SendAsync("GET", path);
        Assert.Equal(HttpStatusCode.OK, status);
        return JsonNode.Parse(text)!;
    }
}
