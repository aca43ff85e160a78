using System.Text.Json;
using Kestrel.Transport.ZeroTier;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Observability.Tests;

/// <summary>Health as JSON.</summary>
public sealed class HealthResponseTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Probes_get_the_node_its_networks_and_endpoints_as_json()
    {
        await using var network = await TestNetwork.StartAsync(Cancel);
        await using var app = await Apps.StartAsync(
            network,
            configure: web => web.Services.AddHealthChecks().AddZeroTier(),
            map: web =>
            {
                web.MapHealthChecks(
                    "/livez",
                    new HealthCheckOptions
                    {
                        Predicate = check => check.Tags.Contains("live"),
                        ResponseWriter = ZeroTierHealthResponseWriter.WriteAsync,
                    });
                web.MapHealthChecks(
                    "/readyz",
                    new HealthCheckOptions
                    {
                        Predicate = check => check.Tags.Contains("ready"),
                        ResponseWriter = ZeroTierHealthResponseWriter.WriteAsync,
                    });
            });
        using var http = await network.CreateClientAsync(app.Services, Cancel);
        using var response = await http.GetAsync("/readyz", Cancel);
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        using var ready = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal("Healthy", ready.RootElement.GetProperty("status").GetString());
        var check = ready.RootElement.GetProperty("checks").GetProperty("zerotier");
        Assert.Equal(["ready"], check.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()));
        var data = check.GetProperty("data");
        Assert.Equal(app.Services.GetRequiredService<ZeroTierNode>().Id.ToString(), data.GetProperty("node").GetString());
        Assert.True(data.GetProperty("online").GetBoolean());
        Assert.StartsWith(
            "Ok ", data.GetProperty("networks").GetProperty(TestNetwork.Network.ToString()).GetString(), StringComparison.Ordinal);
        Assert.Equal("Attached", data.GetProperty("endpoints").EnumerateObject().Single().Value.GetString());
        Assert.Equal(JsonValueKind.Array, data.GetProperty("events").ValueKind);
        Assert.True(data.GetProperty("peersDirect").GetInt32() >= 1);

        using var live = JsonDocument.Parse(await http.GetStringAsync("/livez", Cancel));
        Assert.Equal(
            "Running",
            live.RootElement.GetProperty("checks").GetProperty("zerotier-live").GetProperty("data").GetProperty("state").GetString());
    }

    [Fact]
    public async Task Whatever_a_check_says_is_valid_json_and_no_exception_is_shown()
    {
        var data = new Dictionary<string, object>
        {
            ["\"quoted\"\n"] = "\u0000</script>\ud800",
            ["nan"] = double.NaN,
            ["number"] = 1.5,
            ["long"] = long.MaxValue,
            ["time"] = DateTimeOffset.UnixEpoch,
            ["span"] = TimeSpan.FromSeconds(1.5),
            ["null"] = null!,
            ["object"] = new Version(1, 2),
            ["list"] = new[] { "a", "b" },
        };
        var entry = new HealthReportEntry(
            HealthStatus.Degraded, "why", TimeSpan.FromSeconds(2), new InvalidOperationException("secret"), data, ["tag"]);
        var report = new HealthReport(
            new Dictionary<string, HealthReportEntry>
            {
                ["mine"] = entry,
                ["other"] = new(HealthStatus.Healthy, null, default, null, null),
            }, TimeSpan.FromSeconds(3));
        var context = new DefaultHttpContext();
        using var body = new MemoryStream();
        context.Response.Body = body;
        await ZeroTierHealthResponseWriter.WriteAsync(context, report);

        Assert.DoesNotContain("secret", System.Text.Encoding.UTF8.GetString(body.ToArray()), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(body.ToArray());
        Assert.Equal(3, json.RootElement.GetProperty("duration").GetDouble());
        Assert.Equal("Degraded", json.RootElement.GetProperty("status").GetString());
        var mine = json.RootElement.GetProperty("checks").GetProperty("mine");
        Assert.Equal("why", mine.GetProperty("description").GetString());
        Assert.Equal(2, mine.GetProperty("duration").GetDouble());
        var written = mine.GetProperty("data");
        Assert.Equal("NaN", written.GetProperty("nan").GetString());
        Assert.Equal(1.5, written.GetProperty("number").GetDouble());
        Assert.Equal(long.MaxValue, written.GetProperty("long").GetInt64());
        Assert.Equal("00:00:01.5000000", written.GetProperty("span").GetString());
        Assert.Equal(JsonValueKind.Null, written.GetProperty("null").ValueKind);
        Assert.Equal("1.2", written.GetProperty("object").GetString());
        Assert.Equal(2, written.GetProperty("list").GetArrayLength());
        Assert.Equal("\0</script>\ufffd", written.GetProperty("\"quoted\"\n").GetString());
        Assert.Empty(json.RootElement.GetProperty("checks").GetProperty("other").GetProperty("data").EnumerateObject());
    }
}
