using System.Runtime.CompilerServices;
using YamlDotNet.RepresentationModel;

namespace ZeroTier.Hosting.Tests;

/// <summary>The workflow of the hosted CI, which cannot be run here: what can be known of it by reading.</summary>
public sealed class WorkflowTests
{
    private static readonly string[] Systems = ["ubuntu-24.04", "ubuntu-24.04-arm", "windows-2025", "macos-15"];

    [Fact]
    public void The_workflow_runs_on_each_supported_system() => Assert.Equal(
        Systems.Order(), Jobs().Values.SelectMany(SystemsOf).Distinct().Order());

    [Fact]
    public void Musl_is_tested_in_a_container_with_the_sdk() => Assert.Contains(
        Jobs().Values,
        job => Text(job, "container") is { } image && image.EndsWith("-alpine", StringComparison.Ordinal) && image.Contains("/sdk:10."));

    [Fact]
    public void Every_job_ends_by_itself_and_may_only_read()
    {
        Assert.All(Jobs().Values, job => Assert.InRange(int.Parse(Text(job, "timeout-minutes")!), 1, 120));
        var permission = Assert.Single((YamlMappingNode)Workflow().Children["permissions"]);
        Assert.Equal(("contents", "read"), (permission.Key.ToString(), permission.Value.ToString()));
    }

    [Fact]
    public void Every_job_tests() => Assert.All(
        Jobs().Values,
        job => Assert.Contains(StepsOf(job), step => Text(step, "run") is "bash .ci/run" or "bash .ci/aot" or "dotnet test --no-build"));

    // Versions come from tags (MinVer), so a shallow checkout would build others; all jobs pack, for the tests of the documentation.
    [Fact]
    public void Every_job_checks_out_the_code_with_its_tags() => Assert.All(
        Jobs().Values,
        job =>
        {
            var checkout = Assert.Single(
                StepsOf(job), step => Text(step, "uses")?.StartsWith("actions/checkout@v", StringComparison.Ordinal) == true);
            Assert.Equal("0", Text((YamlMappingNode)checkout.Children["with"], "fetch-depth"));
        });

    [Fact]
    public void Every_command_exists()
    {
        string[] commands = [.. Jobs().Values.SelectMany(StepsOf).Select(step => Text(step, "run")).OfType<string>()];
        Assert.NotEmpty(commands);
        Assert.All(commands, command => Assert.True(Exists(command.Split(' ')), command));
    }

    [Fact]
    public void The_file_of_the_sdk_version_exists() => Assert.All(
        Jobs().Values.SelectMany(StepsOf)
            .Where(step => Text(step, "uses")?.StartsWith("actions/setup-dotnet@", StringComparison.Ordinal) == true),
        step => Assert.True(File.Exists(Path.Combine(Repository(), Text((YamlMappingNode)step.Children["with"], "global-json-file")!))));

    private static bool Exists(string[] words) => words switch
    {
        ["bash", var script, ..] => File.Exists(Path.Combine(Repository(), script)),
        ["dotnet", "build" or "test", ..] or ["apk", "add", ..] or ["git", "config", ..] => true,
        _ => false,
    };

    private static IEnumerable<string> SystemsOf(YamlMappingNode job) => Text(job, "runs-on") switch
    {
        "${{ matrix.os }}" => MatrixOf(job).Select(os => os.ToString()),
        { } one => [one],
        null => throw new InvalidOperationException("A job says not on what it runs."),
    };

    private static YamlSequenceNode MatrixOf(YamlMappingNode job) =>
        (YamlSequenceNode)((YamlMappingNode)((YamlMappingNode)job.Children["strategy"]).Children["matrix"]).Children["os"];

    private static IEnumerable<YamlMappingNode> StepsOf(YamlMappingNode job) =>
        ((YamlSequenceNode)job.Children["steps"]).Cast<YamlMappingNode>();

    private static Dictionary<string, YamlMappingNode> Jobs() =>
        ((YamlMappingNode)Workflow().Children["jobs"]).ToDictionary(job => job.Key.ToString(), job => (YamlMappingNode)job.Value);

    private static string? Text(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out var value) && value is YamlScalarNode scalar ? scalar.Value : null;

    private static YamlMappingNode Workflow()
    {
        var yaml = new YamlStream();
        using var reader = new StreamReader(Path.Combine(Repository(), ".github", "workflows", "ci.yml"));
        yaml.Load(reader);
        return (YamlMappingNode)Assert.Single(yaml.Documents).RootNode;
    }

    private static string Repository([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));
}
