using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace SelfHosted.Tests;

/// <summary><c>zt controller serve</c>, with the commands that docs/self-hosting.md names, as processes on loopback.</summary>
public sealed class ServeTests : IDisposable
{
    private const string SecretFileName = "identity.secret";

    private static readonly string Programs =
        typeof(ServeTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Server").Value!;

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("zt-serve-");

    public ServeTests()
    {
        // To make identities takes seconds.
        using var identities = new StreamReader(typeof(ServeTests).Assembly.GetManifestResourceStream("Identities.txt")!);
        foreach (string home in (string[])[Home, Folder("member")])
        {
            Directory.CreateDirectory(home);
            File.WriteAllText(Path.Combine(home, SecretFileName), identities.ReadLine());
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Home => Folder("controller");

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task A_controller_is_served_managed_backed_up_restored_and_ends_in_order()
    {
        string network, node, backup = Folder("backup");
        await using (var server = Serve("--home", Home, "--endpoint", $"127.0.0.1:{FreePort.Udp()}", "--http", "0"))
        {
            await StartedAsync(server);
            network = (await ManageAsync(Home, "network", "create", "--name", "office", "--ipv4", "10.20.0.0/24")).Trim();
            node = await JoinAsync(network);
            await AssertServesAsync("livez", "Healthy");
            await AssertServesAsync("readyz", "Healthy");
            await AssertServesAsync("admin/", "Sign in");
            await AssertServesAsync("zerotier/", "Sign in");

            await using var second = Serve("--home", Home, "--http", "0");
            var refused = await second.WaitAsync();
            Assert.Equal(1, refused.ExitCode);
            Assert.Matches("^error: .*in use", refused.Error);

            await ManageAsync(Home, "backup", backup);
            server.Terminate();
            Assert.Equal(0, (await server.WaitAsync()).ExitCode);
        }

        string restored = Directory.CreateDirectory(Folder("restored")).FullName;
        await using var import = Serve("--home", restored, "--import", backup);
        var imported = await import.WaitAsync();
        Assert.True(imported.ExitCode == 0, imported.Error);
        Assert.Contains("1 networks and 1 members", imported.Error, StringComparison.Ordinal);
        foreach (string file in Directory.GetFiles(backup, "planet*"))
        {
            File.Copy(file, Path.Combine(restored, Path.GetFileName(file)));
        }

        // The root stays where members look for it, whatever is left out of the command.
        await using var again = Serve("--home", restored, "--http", "0");
        await StartedAsync(again);
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(Home, "planet"), Cancellation),
            await File.ReadAllBytesAsync(Path.Combine(restored, "planet"), Cancellation));
        Assert.Matches($"{node} +yes +10.20.0.", await ManageAsync(restored, "member", "list", network));
        again.Terminate();
        Assert.Equal(0, (await again.WaitAsync()).ExitCode);
    }

    [Theory]
    [InlineData("--endpoint must say where nodes reach the root", "--http", "0")]
    [InlineData("Leave one of them out", "--planet", "public", "--endpoint", "192.0.2.1:9993")]
    [InlineData("is not as Npgsql takes it", "--endpoint", "127.0.0.1:9993", "--postgresql", "Hst=192.0.2.1")]
    [InlineData("PGPASSWORD", "--endpoint", "127.0.0.1:9993", "--postgresql", "Host=192.0.2.1;Password=secret")]
    public async Task What_cannot_be_served_fails_with_a_remedy(string message, params string[] arguments)
    {
        await using var server = Serve(["--home", Home, .. arguments]);
        var result = await server.WaitAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Told_to_end_while_its_database_does_not_answer_it_ends_in_order()
    {
        using var database = new TcpListener(IPAddress.Loopback, 0);
        database.Start();
        await using var server = Serve(
            "--home", Home, "--endpoint", $"127.0.0.1:{FreePort.Udp()}", "--http", "0",
            "--postgresql", $"Host=127.0.0.1;Port={((IPEndPoint)database.LocalEndpoint).Port};Database=zerotier;Username=controller");
        using var connection = await database.AcceptSocketAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(120), Cancellation);
        server.Terminate();
        var result = await server.WaitAsync();

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    private static async Task StartedAsync(ZtProcess server)
    {
        string line = await server.FirstErrorAsync();
        Assert.True(line.Contains("is the controller of its networks", StringComparison.Ordinal), line);
    }

    /// <summary>Joins as a new node and lets it in.</summary>
    private async Task<string> JoinAsync(string network)
    {
        string home = Folder("member");
        string node = (await File.ReadAllTextAsync(Path.Combine(home, SecretFileName), Cancellation))[..10];
        await using var join = ZtProcess.Start(
            _data, "join", network, "--home", home, "--planet", Path.Combine(Home, "planet"), "--wait");
        Assert.Contains($"Node {node} is not authorised", await join.FirstErrorAsync(), StringComparison.Ordinal);
        await ManageAsync(Home, "member", "authorize", network, node);
        Assert.Matches($"^{network} Ok 10\\.20\\.0\\.\\d+/24", (await join.WaitAsync()).Output);
        return node;
    }

    private async Task AssertServesAsync(string path, string text)
    {
        string port = await File.ReadAllTextAsync(Path.Combine(Home, "zerotier-one.port"), Cancellation);
        using var client = new HttpClient { BaseAddress = new Uri($"http://localhost:{port}/") };
        Assert.Contains(text, await client.GetStringAsync(path, Cancellation), StringComparison.Ordinal);
    }

    private async Task<string> ManageAsync(string home, params string[] arguments)
    {
        var result = await ZtProcess.RunAsync(_data, ["controller", .. arguments, "--home", home]);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }

    private ZtProcess Serve(params string[] arguments) => ZtProcess.StartBeside(Programs, _data, ["controller", "serve", .. arguments]);

    private string Folder(string name) => Path.Combine(_data.FullName, name);
}
