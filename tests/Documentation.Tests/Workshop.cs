using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

[assembly: AssemblyFixture(typeof(Documentation.Tests.Workshop))]

namespace Documentation.Tests;

/// <summary>
/// An empty folder with the packed packages and a project for each program that the documentation shows, built once, from those packages
/// and what NuGet has in its cache: nothing is downloaded.
/// </summary>
public sealed partial class Workshop : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    private const string Web = "Microsoft.NET.Sdk.Web";
    private const string Plain = "Microsoft.NET.Sdk";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zt-docs-");
    private readonly List<Process> _running = [];

    public string Feed => Path.Combine(_folder.FullName, "packages");

    private static string Configuration =>
        typeof(Workshop).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Configuration").Value!;

    public async ValueTask InitializeAsync()
    {
        await PackAsync();
        Write("nuget.config", $"""
            <configuration>
              <packageSources><clear /><add key="packed" value="{Feed}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="cache" value="{Cache()}" /></fallbackPackageFolders>
            </configuration>
            """);
        Write("Directory.Build.props", "<Project />");
        Project("hello", Web, Snippets.Text("hello"), ["Kestrel.Transport.ZeroTier"]);
        Project("access", Web, Program("access"), ["Kestrel.Transport.ZeroTier"]);
        Project("client", Plain, Snippets.Text("client"), ["ZtKestrel.Hosting", "Microsoft.Extensions.Hosting"]);
        Project("grpc", Web, Program("grpc"), ["Kestrel.Transport.ZeroTier", "Grpc.AspNetCore.Server", "Grpc.Net.Client"]);
        Project("services", Web, Program("services"), ["Kestrel.Transport.ZeroTier", "ZtKestrel.Yarp", "ZtKestrel.ServiceDiscovery"]);
        Project("signalr", Web, Program("signalr"), ["Kestrel.Transport.ZeroTier", "Microsoft.AspNetCore.SignalR.Client"]);
        Project("observability", Web, Program("observability"),
            [
                "Kestrel.Transport.ZeroTier",
                "ZtKestrel.Testing",
                "OpenTelemetry.Extensions.Hosting",
                "OpenTelemetry.Exporter.Prometheus.AspNetCore",
            ]);
        Project("libzt", Plain, LibztWords.Program(), ["Kestrel.Transport.ZeroTier"]);
        // With the framework as a reference, what it has of the dependencies need not be in the cache.
        Project(
            "test",
            Web,
            Snippets.Text("test"),
            ["ZtKestrel.Testing", "Microsoft.AspNetCore.Mvc.Testing", "Microsoft.NET.Test.Sdk", "xunit.v3.mtp-off"],
            "hello");
        Write("All.proj", """
            <Project DefaultTargets="Build">
              <ItemGroup><Programs Include="*/*.csproj" /></ItemGroup>
              <Target Name="Restore"><MSBuild Projects="@(Programs)" Targets="Restore" /></Target>
              <Target Name="Build"><MSBuild Projects="@(Programs)" Targets="Build" BuildInParallel="true" /></Target>
            </Project>
            """);
        await DotnetAsync("build", "All.proj", "-v", "quiet", "-clp:NoSummary", "-nologo");
        Write("hello/bin/Debug/net10.0/appsettings.Production.json", Snippets.Text("settings"));
    }

    /// <summary>Starts a program and gives the first match in its output.</summary>
    public async Task<string> StartAsync(string name, Regex expected)
    {
        var process = Start(name, "Development");
        _running.Add(process);
        var seen = new List<string>();
        using var limit = new CancellationTokenSource(Patience);
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            seen.Add(line);
            if (expected.Match(line) is { Success: true } match)
            {
                _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return match.Groups[1].Value;
            }
        }

        throw new InvalidOperationException($"{name} ended without '{expected}':\n{string.Join('\n', seen)}");
    }

    /// <summary>Runs a program to its end.</summary>
    public Task<(int ExitCode, string Output)> RunAsync(string name, string environment = "Development", params string[] arguments) =>
        EndAsync(Start(name, environment, arguments));

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _running)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        _folder.Delete(recursive: true);
    }

    private static async Task<(int ExitCode, string Output)> EndAsync(Process process)
    {
        using (process)
        {
            using var limit = new CancellationTokenSource(Patience);
            try
            {
                var texts = await Task.WhenAll(
                    process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
                await process.WaitForExitAsync(limit.Token);
                return (process.ExitCode, string.Concat(texts));
            }
            finally
            {
                process.Kill();
            }
        }
    }

    private static string Cache() => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static string Program(string name) => Snippets.Complete(File.ReadAllText(Path.Combine(Snippets.Programs, name + ".cs")));

    /// <summary>
    /// The version of a package that this repository takes, which is in the cache, or that of its own packages, which were just packed.
    /// </summary>
    private string Version(string package)
    {
        var central = XDocument.Load(Path.Combine(Snippets.Repository, "Directory.Packages.props")).Descendants("PackageVersion");
        return central.FirstOrDefault(p => (string?)p.Attribute("Include") == package)?.Attribute("Version")?.Value
            ?? Directory.GetFiles(Feed, $"{package}.*.nupkg").Select(f => Path.GetFileNameWithoutExtension(f)[(package.Length + 1)..])
                .Single(version => char.IsAsciiDigit(version[0]));
    }

    private async Task PackAsync()
    {
        Directory.CreateDirectory(Feed);
        Write("Pack.proj", $"""
            <Project>
              <ItemGroup><Packed Include="{Snippets.Repository}/src/*/*.csproj" /></ItemGroup>
              <Target Name="Build">
                <MSBuild Projects="@(Packed)" Targets="Pack" BuildInParallel="true"
                  Properties="NoBuild=true;Configuration={Configuration};PackageOutputPath={Feed}" />
              </Target>
            </Project>
            """);
        await DotnetAsync("build", "Pack.proj", "-v", "quiet", "-clp:NoSummary", "-nologo");
    }

    private void Project(string name, string sdk, string program, string[] packages, string? app = null)
    {
        string references = string.Concat(packages.Select(p => $"""<PackageReference Include="{p}" Version="{Version(p)}" />"""));
        references += app is null ? "" : $"""<ProjectReference Include="../{app}/{app}.csproj" />""";
        Write($"{name}/{name}.csproj", $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
                <NoWarn>$(NoWarn);xUnit1051</NoWarn>
              </PropertyGroup>
              <ItemGroup>{references}</ItemGroup>
            </Project>
            """);
        Write($"{name}/Program.cs", program);
    }

    private void Write(string file, string text)
    {
        string path = Path.Combine(_folder.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private Process Start(string name, string environment, params string[] arguments)
    {
        string output = Path.Combine(_folder.FullName, name, "bin", "Debug", "net10.0");
        var start = Command([Path.Combine(output, name + ".dll"), .. arguments]);
        start.WorkingDirectory = output;
        start.Environment["DOTNET_ENVIRONMENT"] = environment;
        start.Environment["ASPNETCORE_ENVIRONMENT"] = environment;
        return Process.Start(start)!;
    }

    private async Task DotnetAsync(params string[] arguments)
    {
        var (exitCode, output) = await EndAsync(Process.Start(Command(arguments))!);
        Assert.True(exitCode == 0, output);
    }

    private ProcessStartInfo Command(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Packages and development network of its own: an earlier version of the same number must not be found instead.
        start.Environment["NUGET_PACKAGES"] = Path.Combine(_folder.FullName, "cache");
        start.Environment["XDG_DATA_HOME"] = Path.Combine(_folder.FullName, "data");
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        return start;
    }
}
