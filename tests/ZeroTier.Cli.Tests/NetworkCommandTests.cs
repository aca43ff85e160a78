using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace ZeroTier.Cli.Tests;

/// <summary>Commands on a development network, with the tool in a process of its own.</summary>
public sealed partial class NetworkCommandTests(HttpPeer peer) : IClassFixture<HttpPeer>
{
    [Fact]
    public async Task Get_prints_the_body_and_the_status_apart()
    {
        var result = await ZtProcess.RunAsync(peer.Data, "get", peer.Url("/hello"));

        Assert.Equal(0, result.ExitCode);
        Assert.Equal("you asked for /hello", result.Output);
        Assert.Contains("HTTP/1.1 200", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_as_a_node_in_memory_leaves_no_folder()
    {
        string[] before = Directory.GetDirectories(peer.Data.FullName, "*", SearchOption.AllDirectories);
        var result = await ZtProcess.RunAsync(peer.Data, "get", "--home", ":memory:", peer.Url("/hello"));

        Assert.Equal((0, "you asked for /hello"), (result.ExitCode, result.Output));
        Assert.DoesNotContain(Directory.GetDirectories(peer.Data.FullName, "*", SearchOption.AllDirectories).Except(before), folder => File.Exists(Path.Combine(folder, "identity.secret")));
        Assert.False(Directory.Exists(":memory:"));
    }

    [Fact]
    public async Task Get_of_an_error_has_exit_code_22_and_still_prints_the_body()
    {
        var result = await ZtProcess.RunAsync(peer.Data, "get", peer.Url("/missing"));

        Assert.Equal(22, result.ExitCode);
        Assert.Equal("you asked for /missing", result.Output);
        Assert.Contains("404", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_that_is_interrupted_does_not_pass_for_complete()
    {
        await using var get = ZtProcess.Start(peer.Data, "get", peer.Url("/endless"));
        Assert.Contains("200", await get.FirstErrorAsync(), StringComparison.Ordinal);
        get.Terminate();
        Assert.Equal(130, (await get.WaitAsync()).ExitCode);
    }

    [Fact]
    public async Task Get_of_a_closed_port_says_that_it_was_refused()
    {
        var result = await ZtProcess.RunAsync(peer.Data, "get", $"http://[{peer.Address}]:1/");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("refused", result.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Get_finds_a_member_by_name()
    {
        var result = await ZtProcess.RunAsync(peer.Data, "get", $"http://{peer.Name}:{peer.Port}/by-name");

        Assert.Equal("you asked for /by-name", result.Output);
    }

    [Fact]
    public async Task Ping_measures_a_round_trip()
    {
        // Nothing sends a lost packet again, so one of several has to come through.
        var result = await ZtProcess.RunAsync(peer.Data, "ping", peer.Address.ToString(), "--count", "3");

        Assert.Equal(0, result.ExitCode);
        Assert.Matches("seq=[123] time=[0-9.]+ ms", result.Output);
    }

    [Fact]
    public async Task Forward_carries_a_local_port_and_ends_cleanly_on_sigterm()
    {
        await using var forward = ZtProcess.Start(peer.Data, "forward", "0", $"[{peer.Address}]:{peer.Port}");
        int port = int.Parse(LocalPort().Match(await forward.FirstErrorAsync()).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync("GET /through HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        string response = await reader.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        forward.Terminate();
        var result = await forward.WaitAsync();

        Assert.EndsWith("you asked for /through", response, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [GeneratedRegex("127\\.0\\.0\\.1:([0-9]+)")]
    private static partial Regex LocalPort();
}
