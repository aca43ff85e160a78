namespace ZeroTier.Cli.Tests;

/// <summary>Commands that open no network.</summary>
public sealed class OfflineCommandTests : IDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("zt-cli-");

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task Id_new_makes_an_identity_that_show_prints_without_its_secret()
    {
        string home = Path.Combine(_data.FullName, "node");
        var made = await ZtProcess.RunAsync(_data, "id", "new", home);
        var shown = await ZtProcess.RunAsync(_data, "id", "show", home);

        Assert.Equal(0, made.ExitCode);
        Assert.Equal(made.Output, shown.Output);
        Assert.Matches("^[0-9a-f]{10}:0:[0-9a-f]{128}\\s*$", shown.Output);
    }

    [Fact]
    public async Task Id_new_never_overwrites_an_identity()
    {
        string home = Path.Combine(_data.FullName, "node");
        var made = await ZtProcess.RunAsync(_data, "id", "new", home);
        var again = await ZtProcess.RunAsync(_data, "id", "new", home);
        var shown = await ZtProcess.RunAsync(_data, "id", "show", home);

        Assert.Equal(1, again.ExitCode);
        Assert.Contains("never overwritten", again.Error, StringComparison.Ordinal);
        Assert.Equal(made.Output, shown.Output);
    }

    [Fact]
    public async Task Planet_create_makes_a_planet_that_show_prints()
    {
        string home = Path.Combine(_data.FullName, "root");
        var made = await ZtProcess.RunAsync(_data, "planet", "create", "--home", home, "--endpoint", "192.0.2.1:9993");
        var shown = await ZtProcess.RunAsync(_data, "planet", "show", Path.Combine(home, "planet"));

        Assert.Equal(0, made.ExitCode);
        Assert.Equal(made.Output, shown.Output);
        Assert.Contains("at 192.0.2.1:9993", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Planet_takes_further_roots_at_once_and_later()
    {
        string home = Path.Combine(_data.FullName, "root");
        string[] others = await Task.WhenAll(
            new[] { "two", "three" }.Select(
                async name => (await ZtProcess.RunAsync(_data, "id", "new", Path.Combine(_data.FullName, name))).Output.Trim()));
        var made = await ZtProcess.RunAsync(
            _data,
            "planet",
            "create",
            "--home",
            home,
            "--endpoint",
            "192.0.2.1:9993",
            "--root",
            $"{others[0]}@192.0.2.2:9993,[2001:db8::2]:9993");
        var added = await ZtProcess.RunAsync(_data, "planet", "add-root", "--home", home, $"{others[1]}@192.0.2.3:9993");

        Assert.Equal((0, 0), (made.ExitCode, added.ExitCode));
        Assert.Contains($"root {others[0][..10]} at 192.0.2.2:9993, [2001:db8::2]:9993", made.Output, StringComparison.Ordinal);
        Assert.Equal(3, added.Output.Split("root ").Length - 1);
        Assert.Contains($"root {others[1][..10]} at 192.0.2.3:9993", added.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Root_answers_probes_and_collectors()
    {
        string home = Path.Combine(_data.FullName, "root");
        int port = FreePort.Tcp();
        await using var root = ZtProcess.Start(
            _data, "root", "--home", home, "--endpoint", $"127.0.0.1:{FreePort.Udp()}", "--http", $"127.0.0.1:{port}");
        Assert.Contains("runs on", await root.FirstErrorAsync(), StringComparison.Ordinal);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
        var cancel = TestContext.Current.CancellationToken;

        Assert.Equal("Healthy\n", await http.GetStringAsync("livez", cancel));
        Assert.Equal("Healthy\n", await http.GetStringAsync("readyz", cancel));
        string metrics = await http.GetStringAsync("metrics", cancel);
        Assert.Contains("zerotier_node_online 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("# TYPE zerotier_packets_dropped_total counter\n", metrics, StringComparison.Ordinal);
        Assert.All(
            metrics.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.Matches(@"^(# TYPE \w+ (gauge|counter)|\w+(\{\w+=""[^""]+""\})? \d+)$", line));
        using var missing = await http.GetAsync("elsewhere", cancel);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, missing.StatusCode);
        root.Terminate();
        Assert.Equal(0, (await root.WaitAsync()).ExitCode);
    }

    [Fact]
    public async Task Serve_says_which_package_is_missing()
    {
        await using var serve = ZtProcess.StartBeside(_data.FullName, _data, "controller", "serve", "--home", "unused", "--help");
        var result = await serve.WaitAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Matches(
            "^error: .*dotnet tool install --global ZtKestrel.Controller.Server --prerelease$", result.Error);
    }

    [Fact]
    public async Task Serve_becomes_the_program_beside_it_with_the_same_arguments_and_exit_code()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("On Windows it is started, and waited for.");
            return;
        }

        string program = Path.Combine(_data.FullName, "zt-controller");
        await File.WriteAllTextAsync(program, "#!/bin/sh\nprintf '<%s>' $$ \"$@\"\nexit 7\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await using var serve = ZtProcess.StartBeside(
            _data.FullName, _data, "controller", "serve", "--home", "a b", "--import=x", "--help", "-x", "free");
        var result = await serve.WaitAsync();

        Assert.Equal((7, $"<{serve.Id}><--home><a b><--import=x><--help><-x><free>"), (result.ExitCode, result.Output));
    }

    [Theory]
    [InlineData("is not another root", "planet", "create", "--home", "unused", "--endpoint", "192.0.2.1:9993", "--root", "192.0.2.2:9993")]
    [InlineData("--http 'here' is not an address", "root", "--home", "unused", "--http", "here")]
    [InlineData("not an http or https URL", "get", "not-a-url")]
    [InlineData("is not a network ID", "get", "http://[fc00::1]/", "--network", "xyz", "--planet", "none")]
    [InlineData("--planet needs --network", "get", "http://[fc00::1]/", "--planet", "none")]
    [InlineData("is not an address and a port", "planet", "create", "--home", "unused", "--endpoint", "nonsense")]
    [InlineData("'0.0.0.0:9993' cannot be an endpoint of the root", "planet", "create", "--home", "unused", "--endpoint", "0.0.0.0:9993")]
    [InlineData("--timeout is in seconds", "get", "http://[fc00::1]/", "--timeout", "0")]
    [InlineData("--count is how many", "ping", "fc00::1", "--count", "0")]
    [InlineData("is not a ZeroTier planet", "planet", "show", "/etc/hostname")]
    public async Task Wrong_arguments_fail_with_a_remedy(string message, params string[] arguments)
    {
        var result = await ZtProcess.RunAsync(_data, arguments);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }
}
