using System.Text.Json;

namespace ZeroTier.Cli.Tests;

/// <summary><c>zt join|leave|networks</c> and names, on a network with a controller.</summary>
public sealed class JoinCommandTests(ControlledNetwork network) : IClassFixture<ControlledNetwork>
{
    [Fact]
    public async Task Join_that_waits_says_what_to_do_once_and_goes_on_when_the_node_is_authorised()
    {
        string home = network.Home("waiting");
        var node = await NewNodeAsync(home);
        await using var join = ZtProcess.Start(
            network.Data, "join", network.Id.ToString(), "--home", home, "--planet", network.Planet, "--wait");

        string line = await join.FirstErrorAsync();
        Assert.Contains($"Node {node} is not authorised on network {network.Id}", line, StringComparison.Ordinal);
        Assert.Contains(network.Controller.ToString(), line, StringComparison.Ordinal);
        await Task.Delay(TimeSpan.FromSeconds(6), TestContext.Current.CancellationToken);
        network.Authorize(node, "10.147.20.21");
        var result = await join.WaitAsync();

        Assert.Equal((0, $"{network.Id} Ok 10.147.20.21/24"), (result.ExitCode, result.Output.Trim()));
        Assert.Equal(line, result.Error);
    }

    [Fact]
    public async Task Join_is_remembered_with_its_roots_until_leave()
    {
        string home = network.Home("remembering");
        var node = await NewNodeAsync(home);
        var refused = await ZtProcess.RunAsync(network.Data, "join", network.Id.ToString(), "--home", home, "--planet", network.Planet);
        Assert.Equal((0, $"{network.Id} AccessDenied"), (refused.ExitCode, refused.Output.Trim()));
        Assert.Contains($"Node {node} is not authorised", refused.Error, StringComparison.Ordinal);
        var waiting = await ZtProcess.RunAsync(network.Data, "networks", "--home", home);
        Assert.Contains($"to do    Node {node} is not authorised", waiting.Output, StringComparison.Ordinal);

        network.Authorize(node, "10.147.20.22");
        var shown = await ZtProcess.RunAsync(network.Data, "networks", "--home", home, "--wait", "--details");
        Assert.Matches($"{network.Id} +test net +Ok +10.147.20.22/24", shown.Output);
        Assert.Contains("routes   10.147.20.0/24, 192.168.7.0/24 via 10.147.20.10", shown.Output, StringComparison.Ordinal);
        Assert.Contains("dns      corp.example: 10.147.20.10", shown.Output, StringComparison.Ordinal);
        Assert.Contains("mtu      2800", shown.Output, StringComparison.Ordinal);
        Assert.Contains("dropped", shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("to do", shown.Output, StringComparison.Ordinal);

        var json = await ZtProcess.RunAsync(network.Data, "networks", "--home", home, "--json", "--wait");
        using var document = JsonDocument.Parse(json.Output);
        Assert.Equal(node.ToString(), document.RootElement.GetProperty("node").GetString());
        var entry = Assert.Single(document.RootElement.GetProperty("networks").EnumerateArray());
        Assert.Equal(
            (network.Id.ToString(), "Ok", true),
            (entry.GetProperty("id").GetString(), entry.GetProperty("status").GetString(), entry.GetProperty("ready").GetBoolean()));
        Assert.Equal("corp.example", entry.GetProperty("dns").GetProperty("domain").GetString());
        Assert.Equal("10.147.20.10", entry.GetProperty("routes")[1].GetProperty("gateway").GetString());

        var get = await ZtProcess.RunAsync(network.Data, "get", "--home", home, $"http://nas.corp.example:{network.Port}/");
        Assert.Equal((0, "hello"), (get.ExitCode, get.Output));
        var ping = await ZtProcess.RunAsync(network.Data, "ping", "--home", home, "nas", "--count", "3");
        Assert.Equal(0, ping.ExitCode);
        Assert.Contains("reply from 10.147.20.10", ping.Output, StringComparison.Ordinal);
        var unknown = await ZtProcess.RunAsync(network.Data, "get", "--home", home, "http://was.corp.example/");
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("know no 'was.corp.example'", unknown.Error, StringComparison.Ordinal);

        Assert.Equal(0, (await ZtProcess.RunAsync(network.Data, "leave", network.Id.ToString(), "--home", home)).ExitCode);
        var again = await ZtProcess.RunAsync(network.Data, "leave", network.Id.ToString(), "--home", home);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("has not joined", again.Error, StringComparison.Ordinal);
        Assert.Contains("zt join", (await ZtProcess.RunAsync(network.Data, "networks", "--home", home)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_roots_says_how_to_name_them()
    {
        var result = await ZtProcess.RunAsync(network.Data, "networks", "--home", network.Home("empty"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("--planet FILE", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(network.Home("empty")));
    }

    [Fact]
    public async Task Join_of_what_is_no_network_ID_names_an_example()
    {
        var result = await ZtProcess.RunAsync(network.Data, "join", "8056c2e21c", "--home", network.Home("none"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("8056c2e21c000001", result.Error, StringComparison.Ordinal);
    }

    // The address is known before the node has asked anybody.
    private async Task<NodeId> NewNodeAsync(string home)
    {
        var made = await ZtProcess.RunAsync(network.Data, "id", "new", home);
        return NodeId.Parse(made.Output[..NodeId.TextLength]);
    }
}
