using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace ZeroTier.Hosting.Tests;

/// <summary>What a client and a web app do not get with the package.</summary>
public sealed class DependencyTests
{
    [Fact]
    public void Client_needs_no_asp_net_core()
    {
        var seen = new HashSet<string>();
        Follow(typeof(ZeroTierNodeOptions).Assembly, seen);
        Assert.Contains("ZeroTier.Managed", seen);
        Assert.DoesNotContain(seen, name => name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));

        using var graph = Graph("src/ZeroTier.Hosting");
        Assert.DoesNotContain(Packages(graph), name => name.StartsWith("Microsoft.AspNetCore", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(["Microsoft.NETCore.App"], Frameworks(graph));
    }

    [Fact]
    public void Web_app_gets_no_database_and_no_native_library()
    {
        using var graph = Graph("src/Kestrel.Transport.ZeroTier");
        string[] packages = [.. Packages(graph)];
        Assert.Contains("ZtKestrel.Hosting", packages);
        Assert.DoesNotContain(
            packages, name => IsDatabase(name) || IsAskedFor(name) || name.Contains("controller", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("\"native\"", graph.RootElement.GetProperty("targets").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Service_discovery_needs_no_asp_net_core_and_a_proxy_serves_on_sockets_too()
    {
        using var discovery = Graph("src/ZeroTier.ServiceDiscovery");
        Assert.Equal(["Microsoft.NETCore.App"], Frameworks(discovery));
        Assert.Contains("ZtKestrel.Hosting", Packages(discovery));
        Assert.DoesNotContain(
            Packages(discovery),
            name => name.StartsWith("Microsoft.AspNetCore", StringComparison.OrdinalIgnoreCase)
                || name.Contains("Yarp", StringComparison.OrdinalIgnoreCase));
        using var proxy = Graph("src/ZeroTier.Yarp");
        Assert.Contains("ZtKestrel.Hosting", Packages(proxy));
        Assert.DoesNotContain("Kestrel.Transport.ZeroTier", Packages(proxy));
    }

    [Fact]
    public void Controller_needs_no_database()
    {
        using var graph = Graph("src/ZeroTier.Controller");
        string[] packages = [.. Packages(graph)];
        Assert.Contains("ZtKestrel.Managed", packages);
        Assert.DoesNotContain(packages, IsDatabase);
        Assert.DoesNotContain("\"native\"", graph.RootElement.GetProperty("targets").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Tool_needs_no_database_and_no_asp_net_core()
    {
        using var graph = Graph("src/ZeroTier.Cli");
        string[] packages = [.. Packages(graph)];
        Assert.Contains("ZtKestrel.Controller", packages);
        Assert.DoesNotContain(packages, IsDatabase);
        Assert.DoesNotContain("\"native\"", graph.RootElement.GetProperty("targets").GetRawText(), StringComparison.Ordinal);
        Assert.Equal(["Microsoft.NETCore.App"], Frameworks(graph));
    }

    private static IEnumerable<string> Frameworks(JsonDocument graph) => graph.RootElement.GetProperty("project")
        .GetProperty("frameworks").EnumerateObject().Single().Value.GetProperty("frameworkReferences").EnumerateObject()
        .Select(reference => reference.Name);

    private static bool IsAskedFor(string name) =>
        new[] { "yarp", "servicediscovery", "signalr" }.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static bool IsDatabase(string name) =>
        new[] { "sqlite", "npgsql", "postgre", "entityframework", "dapper" }.Any(
            word => name.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static void Follow(Assembly assembly, HashSet<string> seen)
    {
        foreach (var reference in assembly.GetReferencedAssemblies())
        {
            if (seen.Add(reference.Name!) && reference.Name!.StartsWith("ZeroTier.", StringComparison.Ordinal))
            {
                Follow(Assembly.Load(reference), seen);
            }
        }
    }

    private static IEnumerable<string> Packages(JsonDocument graph) =>
        graph.RootElement.GetProperty("libraries").EnumerateObject().Select(library => library.Name.Split('/')[0]);

    /// <summary>What NuGet resolved for a project, with what its references bring.</summary>
    private static JsonDocument Graph(string project) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository(), project, "obj", "project.assets.json")));

    private static string Repository([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));
}
