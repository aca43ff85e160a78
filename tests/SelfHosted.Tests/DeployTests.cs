using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SelfHosted.Tests;

/// <summary>The systemd unit and the container file of the server: what can be known of them without a system or a builder.</summary>
public sealed partial class DeployTests : IDisposable
{
    private const string SystemdAnalyze = "/usr/bin/systemd-analyze";
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("zt-deploy-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task Unit_and_container_start_the_server_with_options_that_it_has()
    {
        string programs = typeof(DeployTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(
            a => a.Key == "Server").Value!;
        await using var serve = ZtProcess.StartBeside(programs, _data, "controller", "serve", "--help");
        string help = (await serve.WaitAsync()).Output;
        Assert.Contains("--home", help, StringComparison.Ordinal);

        string start = Assert.Single(
            File.ReadLines(Deployed("ztkestrel.service")), line => line.StartsWith("ExecStart=", StringComparison.Ordinal));
        string entry = Assert.Single(
            File.ReadLines(Deployed("Containerfile")), line => line.StartsWith("ENTRYPOINT ", StringComparison.Ordinal));
        foreach (string command in new[] { start, entry })
        {
            Assert.Contains("zt-controller", command, StringComparison.Ordinal);
            Assert.NotEmpty(OptionName().Matches(command));
            Assert.All(OptionName().Matches(command), option => Assert.Contains($"{option.Value} ", help, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Systemd_understands_every_line_of_the_unit()
    {
        Assert.SkipUnless(File.Exists(SystemdAnalyze), $"There is no {SystemdAnalyze}.");

        // The program is not installed here, which is all that systemd would complain of.
        string unit = Path.Combine(_data.FullName, "ztkestrel.service");
        await File.WriteAllTextAsync(
            unit, Command().Replace(await File.ReadAllTextAsync(Deployed("ztkestrel.service"), Cancel), "ExecStart=/bin/true"), Cancel);
        var start = new ProcessStartInfo(SystemdAnalyze, ["verify", unit]) { RedirectStandardError = true };
        using var verify = Process.Start(start)!;
        string complaints = await verify.StandardError.ReadToEndAsync(Cancel);
        await verify.WaitForExitAsync(Cancel);

        Assert.Equal((0, ""), (verify.ExitCode, complaints));
    }

    [Fact]
    public void Container_is_made_of_projects_and_stages_that_exist()
    {
        string text = File.ReadAllText(Deployed("Containerfile"));
        var projects = Published().Matches(text);
        Assert.Equal(2, projects.Count);
        Assert.All(
            projects, project => Assert.NotEmpty(Directory.GetFiles(Path.Combine(Repository(), project.Groups[1].Value), "*.csproj")));
        string[] stages = [.. Stage().Matches(text).Select(stage => stage.Groups[1].Value)];
        Assert.All(CopiedFrom().Matches(text), copy => Assert.Contains(copy.Groups[1].Value, stages));
    }

    private static string Deployed(string file) => Path.Combine(Repository(), "src", "ZeroTier.Controller.Server", "deploy", file);

    private static string Repository([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));

    [GeneratedRegex("--[a-z][a-z-]*")]
    private static partial Regex OptionName();

    [GeneratedRegex("^ExecStart=.*$", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex("dotnet publish ([^ ]+)")]
    private static partial Regex Published();

    [GeneratedRegex("^FROM .* AS ([a-z]+)$", RegexOptions.Multiline)]
    private static partial Regex Stage();

    [GeneratedRegex("COPY --from=([a-z]+)")]
    private static partial Regex CopiedFrom();
}
