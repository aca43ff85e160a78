using System.Diagnostics;
using System.Text.Json;

namespace SelfHosted.Tests;

/// <summary>What docs/self-hosting.md promises, with the commands that it names, as processes on loopback.</summary>
public sealed class SelfHostedTests(SelfHostedProgram program) : IClassFixture<SelfHostedProgram>
{
    // The promise is two seconds; the rest is for a machine under load.
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(20);
    private const string Api = "http://10.147.17.1:8080";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_member_joins_is_authorised_calls_the_API_and_is_shut_out()
    {
        string home = program.Folder("member");
        string node = (await ZtAsync("id", "new", home)).Output[..10];
        await using var join = ZtProcess.Start(program.Data, "join", program.Network, "--home", home, "--planet", program.Planet, "--wait");
        Assert.Contains($"Node {node} is not authorised", await join.FirstErrorAsync(), StringComparison.Ordinal);
        Assert.Matches($"{node} +waits", (await ControllerAsync("member", "list", program.Network)).Output);

        var authorized = await ControllerAsync("member", "authorize", program.Network, node);
        Assert.True(authorized.ExitCode == 0, authorized.Error);
        var joined = await join.WaitAsync();
        Assert.Matches($"^{program.Network} Ok 10\\.147\\.17\\.\\d+/24", joined.Output);

        var hello = await ZtAsync("get", "--home", home, $"{Api}/");
        Assert.True(hello.ExitCode == 0, hello.Error);
        Assert.StartsWith($"Hello, {node}.", hello.Output, StringComparison.Ordinal);
        var byName = await ZtAsync("get", "--home", home, "http://api.home.arpa:8080/");
        Assert.True(byName.ExitCode == 0, byName.Error);
        Assert.StartsWith($"Hello, {node}.", byName.Output, StringComparison.Ordinal);

        await using var clock = ZtProcess.Start(program.Data, "get", "--home", home, $"{Api}/clock");
        Assert.Contains("200", await clock.FirstErrorAsync(), StringComparison.Ordinal);
        var shutOut = Stopwatch.StartNew();
        Assert.Equal(0, (await ControllerAsync("member", "deauthorize", program.Network, node)).ExitCode);
        var ended = await clock.WaitAsync().WaitAsync(EndPatience, Cancellation);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"The open connection ended {shutOut.Elapsed.TotalSeconds:F1} s after the command began: {ended.Error}");
        Assert.NotEqual(0, ended.ExitCode);

        var refused = await ZtAsync("get", "--home", home, $"{Api}/");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"Node {node} is not authorised on network {program.Network}", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Networks_and_members_are_managed_by_commands()
    {
        string id = (await ControllerAsync("network", "create", "--name", "office", "--ipv4", "10.20.0.0/24")).Output.Trim();
        Assert.StartsWith(program.Network[..10], id, StringComparison.Ordinal);
        Assert.Matches($"{id} +office +private +10.20.0.1-10.20.0.254 +10.20.0.0/24", (await ControllerAsync("network", "list")).Output);
        Assert.Matches(
            "mtu +1400", (await ControllerAsync("network", "set", id, "--mtu", "1400", "--dns", "corp.example=10.20.0.1")).Output);
        using (var json = JsonDocument.Parse((await ControllerAsync("network", "show", id, "--json")).Output))
        {
            Assert.Equal(
                ("office", 1400), (json.RootElement.GetProperty("name").GetString(), json.RootElement.GetProperty("mtu").GetInt32()));
        }

        Assert.Matches(
            "dns +home.arpa: this controller",
            (await ControllerAsync("network", "set", id, "--dns", "home.arpa", "--serve-names", "true")).Output);
        Assert.Matches("dns +home.arpa: *\n", (await ControllerAsync("network", "set", id, "--serve-names", "false")).Output);

        const string node = "0123456789";
        var unknown = await ControllerAsync("member", "name", id, node, "ann");
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("has no member", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await ControllerAsync("member", "authorize", id, node)).ExitCode);
        await ControllerAsync("member", "name", id, node, "ann");
        await ControllerAsync("member", "ip", id, node, "10.20.0.7");
        await ControllerAsync("member", "tag", id, node, "1000=2", "1001=3");
        await ControllerAsync("member", "tag", id, node, "1001=");
        Assert.Matches($"{node} +ann +yes +10.20.0.7 +1000=2", (await ControllerAsync("member", "list", id)).Output);

        string rules = program.Folder("rules");
        await File.WriteAllTextAsync(rules, "drop\n  not ethertype ipv4 and not ethertype arp\n;\naccept;\n", Cancellation);
        Assert.Equal(0, (await ControllerAsync("rules", "set", id, rules)).ExitCode);
        Assert.Contains("ethertype", (await ControllerAsync("rules", "show", id)).Output, StringComparison.Ordinal);

        string token = (await ControllerAsync("token", "create", id, "--hours", "24")).Output.Trim();
        Assert.StartsWith(token, (await ControllerAsync("token", "list", id)).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await ControllerAsync("token", "revoke", id, token)).ExitCode);
        Assert.Empty((await ControllerAsync("token", "list", id)).Output);

        string backup = program.Folder("backup");
        var saved = await ControllerAsync("backup", backup);
        Assert.True(saved.ExitCode == 0, saved.Error);
        Assert.Equal(0, (await ControllerAsync("network", "delete", id)).ExitCode);
        var gone = await ControllerAsync("network", "show", id);
        Assert.Contains($"has no network {id}", gone.Error, StringComparison.Ordinal);
        var imported = await ControllerAsync("import", backup);
        Assert.True(imported.ExitCode == 0, imported.Error);
        Assert.Matches($"{node} +ann +yes +10.20.0.7 +1000=2", (await ControllerAsync("member", "list", id)).Output);
    }

    [Fact]
    public async Task The_pages_are_where_the_program_says()
    {
        string port = await File.ReadAllTextAsync(Path.Combine(program.Home, "zerotier-one.port"), Cancellation);
        using var client = new HttpClient { BaseAddress = new Uri($"http://localhost:{port}/admin/") };
        Assert.Contains("Sign in", await client.GetStringAsync("", Cancellation), StringComparison.Ordinal);

        string token = await File.ReadAllTextAsync(Path.Combine(program.Home, "authtoken.secret"), Cancellation);
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("token", token)]);
        using HttpResponseMessage page = await client.PostAsync($"members?network={program.Network}", form, Cancellation);
        Assert.Contains("members.js", await page.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Contains("self-hosted", await client.GetStringAsync("api/networks", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_with_an_error_name_line_and_column()
    {
        string rules = program.Folder("broken");
        await File.WriteAllTextAsync(rules, "accept;\ndrop ethertype moon;\n", Cancellation);
        var result = await ZtAsync("controller", "rules", "check", rules);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{rules}:2:", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_token_and_a_controller_that_is_not_there_say_what_to_do()
    {
        string other = program.Folder("other-token");
        await File.WriteAllTextAsync(other, "not the token of anything", Cancellation);
        var refused = await ControllerAsync("network", "list", "--token-file", other);
        Assert.Equal(1, refused.ExitCode);
        await File.WriteAllTextAsync(other, "abcdefghijklmnopqrstuvwx", Cancellation);
        Assert.Contains(
            "refuses the token", (await ControllerAsync("network", "list", "--token-file", other)).Error, StringComparison.Ordinal);
        Assert.Contains(
            "Start it", (await ControllerAsync("network", "list", "--url", "http://127.0.0.1:1/")).Error, StringComparison.Ordinal);
        Assert.Contains(
            "in the clear", (await ControllerAsync("network", "list", "--url", "http://192.0.2.1/")).Error, StringComparison.Ordinal);
    }

    private Task<ZtResult> ControllerAsync(params string[] arguments) => ZtAsync(["controller", .. arguments, "--home", program.Home]);

    private Task<ZtResult> ZtAsync(params string[] arguments) => ZtProcess.RunAsync(program.Data, arguments);
}
