using System.Diagnostics;
using System.Net;
using ZeroTier.Managed;

namespace EndToEnd.Tests.Sandbox;

/// <summary>
/// Runs an app with its root and its client in a process of their own (tests/sandbox), in a network, mount and user namespace without a way
/// out, where the kernel may refuse it system calls. The app has the address 10.77.0.1.
/// </summary>
public sealed class SandboxedProcess : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly string Helper = Path.Combine(AppContext.BaseDirectory, "refuse");

    // veth, and not dummy, is in every kernel that runs containers.
    private const string Network =
        "ip link set lo up && ip link add eth0 type veth peer name eth1 && ip addr add 10.77.0.1/24 dev eth0 && ip addr add fd77::1/64 "
        + "dev eth0 nodad && ip link set eth0 up && ip link set eth1 up";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ztkestrel-sandbox-");

    /// <summary>Why nothing can be tested here; null where it can.</summary>
    public string? SkipReason { get; private set; }

    public async ValueTask InitializeAsync()
    {
        SkipReason = !OperatingSystem.IsLinux() ? "Namespaces and seccomp are Linux's."
            : !File.Exists(Helper) ? $"There was no C compiler (cc) to build {Helper}."
            : await StartAsync("unshare", ["-rnm", "sh", "-c", Network], []) is { ExitCode: not 0 } failed
                ? $"No namespaces can be made here: {failed.Output}"
            : null;
        using var root = await NodeIdentity.GenerateAsync();
        using var key = PlanetSigningKey.Generate();
        Planet.Create(
            7, DateTimeOffset.UtcNow, [new PlanetRoot(root, [InetEndPoint.From(new IPEndPoint(IPAddress.Parse("10.77.0.1"), 9993))])], key)
            .Save(InFolder("planet"));
        await File.WriteAllTextAsync(InFolder("root"), root.ToSecretText());
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>A new folder for one test.</summary>
    public string NewFolder() => _folder.CreateSubdirectory(Guid.NewGuid().ToString("n")).FullName;

    /// <summary>Runs the app while the kernel refuses it calls.</summary>
    /// <param name="calls">As the helper has them, with commas.</param>
    /// <param name="errno">What they return.</param>
    /// <param name="settings">Settings of the section ZeroTier.</param>
    public Task<SandboxedResult> RefuseAsync(string calls, int errno, params (string Name, string Value)[] settings) =>
        RunAsync("true", $"'{Helper}' {errno} {calls}", settings);

    /// <summary>Runs the app after a shell command, such as a mount.</summary>
    /// <param name="prepare">The command.</param>
    /// <param name="wrapper">What the app's command stands behind; it may be empty.</param>
    /// <param name="settings">Settings of the section ZeroTier.</param>
    public Task<SandboxedResult> RunAsync(string prepare, string wrapper, params (string Name, string Value)[] settings) => StartAsync(
        "unshare",
        [
            "-rnm",
            "sh",
            "-c",
            $"{Network} && {prepare} && exec {wrapper} dotnet '{Path.Combine(AppContext.BaseDirectory, "sandboxed.dll")}' "
            + $"'{_folder.FullName}'",
        ],
        settings);

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);

    private static async Task<SandboxedResult> StartAsync(string program, string[] arguments, (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in settings)
        {
            start.Environment[$"ZeroTier__{name}"] = value;
        }

        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Limit);
            return new SandboxedResult(process.ExitCode, await output + await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}

/// <summary>How such a process has ended, and what it wrote.</summary>
public sealed record SandboxedResult(int ExitCode, string Output)
{
    public bool Served => ExitCode == 0 && Output.Contains("\nserved ", StringComparison.Ordinal);

    /// <summary>The lines of a log event.</summary>
    public string[] Event(int id) => [.. Output.Split('\n').Where(line => line.Contains($" {id}: ", StringComparison.Ordinal))];
}
