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

    [Theory]
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
