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
        Assert.DoesNotContain(
            Directory.GetDirectories(peer.Data.FullName, "*", SearchOption.AllDirectories).Except(before),
            folder => File.Exists(Path.Combine(folder, "identity.secret")));
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
    public async Task Get_from_a_node_that_is_not_there_ends_with_the_reason()
    {
        // A member that never was: its name is an address all the same.
        var result = await ZtProcess.RunAsync(
            peer.Data,
            "get",
            $"http://{ZeroTierName.Of(new NodeId(0x1234567890), SelfHosting.DevelopmentNetwork.Network)}:80/",
            "--timeout",
            "0.5");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("did not answer within 0.5 s", result.Error, StringComparison.Ordinal);
        Assert.Contains("no root knows a node 1234567890", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_over_TLS_shows_the_reason_and_where_it_helps_the_option()
    {
        var plain = await ZtProcess.RunAsync(peer.Data, "get", peer.Url("/").Replace("http:", "https:", StringComparison.Ordinal));
        var untrusted = await ZtProcess.RunAsync(peer.Data, "get", peer.SecureUrl("/"));
        var accepted = await ZtProcess.RunAsync(peer.Data, "get", "-k", peer.SecureUrl("/"));

        Assert.Equal((1, 1, 0), (plain.ExitCode, untrusted.ExitCode, accepted.ExitCode));
        Assert.DoesNotContain("see inner exception", plain.Error + untrusted.Error, StringComparison.Ordinal);
        Assert.Contains("does not answer TLS", plain.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("-k", plain.Error, StringComparison.Ordinal);
        Assert.Contains("-k accepts any certificate", untrusted.Error, StringComparison.Ordinal);
        Assert.Equal("secure", accepted.Output);
    }

    [Fact]
    public async Task Forward_tells_of_a_connection_that_failed()
    {
        await using var forward = ZtProcess.Start(peer.Data, "forward", "0", $"[{peer.Address}]:1");
        int port = int.Parse(
            LocalPort().Match(await forward.FirstErrorAsync()).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<IOException>(async () => Assert.NotEqual(
            0,
            await client.GetStream()
                .ReadAsync(new byte[1], TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)));
        forward.Terminate();

        Assert.Matches("A connection to .*:1 failed: .*refused", (await forward.WaitAsync()).Error);
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
        int port = int.Parse(
            LocalPort().Match(await forward.FirstErrorAsync()).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync("GET /through HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        string response = await reader.ReadToEndAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        forward.Terminate();
        var result = await forward.WaitAsync();

        Assert.EndsWith("you asked for /through", response, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
    }

    [GeneratedRegex("127\\.0\\.0\\.1:([0-9]+)")]
    private static partial Regex LocalPort();
}
