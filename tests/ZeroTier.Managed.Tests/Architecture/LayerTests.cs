using System.Reflection;
using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Tests.Architecture;

/// <summary>The way of the dependencies inside the engine, as the README's architecture draws it.</summary>
public class LayerTests
{
    private const string Root = "ZeroTier.Managed.";
    private static readonly Assembly Engine = typeof(ManagedNode).Assembly;

    /// <summary>What the layers above see of VL1 as one.</summary>
    private static readonly string[] Vl1Folders =
    [
        "Vl1.Limits", "Vl1.Packets", "Vl1.Worlds", "Vl1.Paths", "Vl1.Peers", "Vl1.Control", "Vl1.Reachability", "Vl1.Lookup",
        "Vl1.RootService",
        "Vl1.Roots", "Vl1.Admission", "Vl1.Receive",
    ];

    /// <summary>Each folder, and the folders it may use. The top level (options, the node's public face) may use all.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Net"] = [],
        ["Crypto"] = [],
        ["Identity"] = ["Crypto"],
        ["Datagrams"] = ["Net"],
        ["IpStack"] = ["Net"],
        ["Capture"] = ["Net"],
        ["Vl1.Limits"] = ["Net"],
        ["Vl1.Packets"] = ["Net", "Crypto", "Identity", "Vl1.Limits"],
        ["Vl1.Worlds"] = ["Net", "Crypto", "Identity", "Vl1.Packets", "Vl1.Limits"],
        ["Vl1.Paths"] = ["Net", "Vl1.Packets", "Vl1.Limits"],
        ["Vl1.Peers"] = ["Net", "Identity", "Vl1.Packets", "Vl1.Paths", "Vl1.Limits"],
        ["Vl1.Control"] = ["Net", "Identity", "Datagrams", "Vl1.Packets", "Vl1.Paths", "Vl1.Peers", "Vl1.Worlds", "Vl1.Limits"],
        ["Vl1.Reachability"] =
        [
            "Net", "Identity", "Vl1.Packets", "Vl1.Paths", "Vl1.Peers", "Vl1.Worlds", "Vl1.Control", "Vl1.Limits",
        ],
        ["Vl1.Lookup"] =
        [
            "Net", "Identity", "Vl1.Packets", "Vl1.Paths", "Vl1.Peers", "Vl1.Worlds", "Vl1.Control", "Vl1.Reachability", "Vl1.Limits",
        ],
        ["Vl1.RootService"] =
        [
            "Net", "Identity", "Vl1.Packets", "Vl1.Paths", "Vl1.Peers", "Vl1.Control", "Vl1.Reachability", "Vl1.Lookup", "Vl1.Limits",
        ],
        ["Vl1.Roots"] =
        [
            "Net", "Identity", "Vl1.Packets", "Vl1.Paths", "Vl1.Peers", "Vl1.Worlds", "Vl1.Control", "Vl1.Reachability", "Vl1.Lookup",
            "Vl1.RootService", "Vl1.Limits",
        ],
        ["Vl1.Admission"] = ["Net", "Identity", "Vl1.Packets", "Vl1.Peers", "Vl1.Limits"],
        ["Vl1.Receive"] =
        [
            "Net", "Crypto", "Identity", "Vl1.Packets", "Vl1.Paths", "Vl1.Peers", "Vl1.Worlds", "Vl1.Control", "Vl1.Reachability",
            "Vl1.Lookup",
            "Vl1.RootService", "Vl1.Roots", "Vl1.Admission", "Vl1.Limits",
        ],
        ["Vl1"] = ["Net", "Crypto", "Identity", "Datagrams", .. Vl1Folders],
        ["Vl2.Rules"] = ["Net"],
        ["Vl2.Credentials"] = ["Net", "Identity", "Vl2.Rules"],
        ["Vl2.Configuration"] = ["Net", "Identity", "Vl1", "IpStack", "Vl2.Rules", "Vl2.Credentials"],
        ["Vl2.Membership"] = ["Net", "Identity", "Vl1", "IpStack", "Vl2.Rules", "Vl2.Credentials", "Vl2.Configuration"],
        ["Vl2.Multicast"] = ["Net", "Identity", "Vl1", "IpStack", "Vl2.Credentials", "Vl2.Configuration"],
        ["Vl2.Controller"] = ["Net", "Identity", "Vl1", "Vl2.Configuration", "Vl2.Credentials"],
        ["Vl2"] =
        [
            "Net", "Identity", "Vl1", "IpStack", "Vl2.Rules", "Vl2.Credentials", "Vl2.Configuration", "Vl2.Membership", "Vl2.Multicast",
            "Vl2.Controller", "Capture",
        ],
        ["Node"] =
        [
            "Net",
            "Vl1",
            "Vl2",
            "Vl2.Rules",
            "Vl2.Configuration",
            "Vl2.Controller",
            "Vl2.Membership",
            "IpStack",
            "Datagrams",
            "Identity",
            "Capture",
        ],
    };

    /// <summary>Public types are in the root namespace, whatever folder they belong to.</summary>
    private static readonly Dictionary<Type, string> Public = new()
    {
        [typeof(InetEndPoint)] = "Net",
        [typeof(NodeIdentity)] = "Identity",
        [typeof(IdentityStore)] = "Identity",
        [typeof(IDatagramReceiver)] = "Datagrams",
        [typeof(IDatagramTransport)] = "Datagrams",
        [typeof(UdpDatagramStatistics)] = "Datagrams",
        [typeof(UdpDatagramTransport)] = "Datagrams",
        [typeof(UdpDatagramTransportOptions)] = "Datagrams",
        [typeof(FrameCapture)] = "Capture",
        [typeof(CaptureOptions)] = "Capture",
        [typeof(CaptureEnd)] = "Capture",
        [typeof(INetworkController)] = "Vl2.Controller",
        [typeof(IControllerPort)] = "Vl2.Controller",
        [typeof(ControllerRequest)] = "Vl2.Controller",
        [typeof(ControllerRefusal)] = "Vl2.Controller",
        [typeof(Planet)] = "Vl1.Worlds",
        [typeof(PlanetRoot)] = "Vl1.Worlds",
        [typeof(PlanetSigningKey)] = "Vl1.Worlds",
        [typeof(Moon)] = "Vl1.Worlds",
        [typeof(MoonOrbit)] = "Vl1.Worlds",
    };

    [Fact]
    public void Public_types_are_in_the_root_namespace() =>
        Assert.All(Engine.GetExportedTypes(), type => Assert.Equal("ZeroTier.Managed", type.Namespace));

    [Fact]
    public void Folders_use_only_what_they_may()
    {
        var wrong = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var type in Engine.GetTypes())
        {
            if (FolderOf(type) is not { } folder)
            {
                continue;
            }

            Assert.True(Allowed.ContainsKey(folder), $"Folder {folder} is missing in this test.");
            foreach (var used in TypeReferences.Of(type))
            {
                if (FolderOf(used) is { } other
                    && other != folder
                    && !Allowed[folder].Contains(other)
                    && !(IsAboveVl1(folder) && Vl1Folders.Contains(other)))
                {
                    wrong.Add($"{type.FullName} uses {used.FullName}");
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Ip_stack_knows_nothing_of_the_contract()
    {
        var contract = typeof(ZeroTierNode).Assembly;

        Assert.Empty(Engine.GetTypes()
            .Where(type => FolderOf(type) == "IpStack")
            .SelectMany(
                type => TypeReferences.Of(type)
                    .Where(used => used.Assembly == contract)
                    .Select(used => $"{type.FullName} uses {used.FullName}")));
    }

    [Fact]
    public void Engine_references_no_web_framework_and_no_other_engine() => Assert.DoesNotContain(
        Engine.GetReferencedAssemblies(),
        name => name.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || name.Name == "ZeroTier.Libzt");

    // The log is what every engine needs to shield; the contract itself has none.
    [Fact]
    public void Contract_references_the_runtime_and_the_log_only() => Assert.All(
        typeof(ZeroTierNode).Assembly.GetReferencedAssemblies(),
        name => Assert.True(
            name.Name!.StartsWith("System", StringComparison.Ordinal) || name.Name == "Microsoft.Extensions.Logging.Abstractions",
            name.Name));

    [Fact]
    public void Native_code_is_called_in_datagrams_only_and_only_the_c_library()
    {
        foreach (var type in Engine.GetTypes())
        {
            foreach (var method in type.GetMethods(
                BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                if (method.GetCustomAttribute<DllImportAttribute>() is { } import)
                {
                    Assert.True(
                        FolderOf(type) == "Datagrams" && import.Value == "libc", $"{type.FullName}.{method.Name} calls {import.Value}.");
                }
            }
        }
    }

    [Fact]
    public void References_of_a_known_type_are_found()
    {
        // Guards the guard: a reader of code that finds nothing would let everything pass.
        var used = TypeReferences.Of(typeof(ManagedNode)).Select(FolderOf).ToHashSet();

        Assert.Contains("Node", used);
        Assert.Contains("Identity", used);
    }

    // Those that may use VL1 may use its folders.
    private static bool IsAboveVl1(string folder) => Allowed[folder].Contains("Vl1");

    // The folders inside VL1 and VL2 are levels of their own; those of others belong together.
    private static string? FolderOf(Type type)
    {
        var outer = type;
        while (outer.DeclaringType is { } declaring)
        {
            outer = declaring;
        }

        return Public.GetValueOrDefault(outer) ?? FolderOfNamespace(type);
    }

    private static string? FolderOfNamespace(Type type) =>
        type.Assembly == Engine && type.Namespace is { } space && space.StartsWith(Root, StringComparison.Ordinal)
            ? space[Root.Length..] is var folder
                && (folder.StartsWith("Vl1.", StringComparison.Ordinal) || folder.StartsWith("Vl2.", StringComparison.Ordinal))
                ? folder
                : folder.Split('.')[0]
            : null;
}
