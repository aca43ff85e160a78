using System.Diagnostics;
using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>
/// <c>samples/WebApi</c> in a published form: JIT-compiled, ReadyToRun, native. It knows nothing of this benchmark, so its start is seen
/// from outside: until a caller, who knew where it would be, has the first response.
/// </summary>
/// <param name="Name">What the results call it.</param>
/// <param name="Folder">What <c>dotnet publish</c> wrote.</param>
internal sealed partial record PublishedApp(string Name, string Folder)
{
    private const string Response = "response";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string[] NotShipped = [".pdb", ".dbg", ".xml"];

    /// <summary>What is to be installed, the shared framework not included; the same on every transport.</summary>
    public Measure Size => new($"{Name}_size", "MiB", false, null);

    private string Program => Path.GetFullPath(Path.Combine(Folder, OperatingSystem.IsWindows() ? "WebApi.exe" : "WebApi"));

    /// <summary>Reads <c>NAME=FOLDER,NAME=FOLDER</c>.</summary>
    public static bool TryParse(string text, out IReadOnlyList<PublishedApp> apps)
    {
        string[][] parts = [.. text.Split(',').Select(app => app.Split('=', 2))];
        bool valid = parts.All(part => part.Length == 2);
        apps = valid ? [.. parts.Select(part => new PublishedApp(part[0], part[1]))] : [];
        return valid;
    }

    public double ReadSize() => new DirectoryInfo(Folder).EnumerateFiles("*", SearchOption.AllDirectories)
        .Where(file => !NotShipped.Contains(file.Extension)).Sum(file => file.Length) / (1024.0 * 1024);

    public StartedProgram ToProgram() => new([new Measure($"{Name}_response", "ms", false, null, Response)], StartAsync);

    private async Task<IReadOnlyDictionary<string, double>> StartAsync(Transport transport)
    {
        List<string> line = [.. transport.ServerCommand, Program];
        var start = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        foreach (var (name, value) in transport.AppSettings(Name))
        {
            start.Environment[name] = value;
        }

        var watch = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var address = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = ReadAsync(process, address);
        try
        {
            using var client = transport.CreateClient(await address.Task.WaitAsync(Patience), 1);
            (await client.GetAsync(new Uri("stream?bytes=13", UriKind.Relative)).WaitAsync(Patience)).EnsureSuccessStatusCode();
            return new Dictionary<string, double> { [Response] = watch.Elapsed.TotalMilliseconds };
        }
        finally
        {
            await EndAsync(process);
            await reading;
        }
    }

    /// <summary>Reads all that it prints, and finds the address in it.</summary>
    private static async Task ReadAsync(Process process, TaskCompletionSource<Uri> address)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (NowListening().Match(line) is { Success: true } match)
            {
                address.TrySetResult(new Uri(match.Groups[1].Value));
            }
        }

        address.TrySetException(new InvalidOperationException("The app ended before it listened."));
    }

    // As a service manager ends it, so that it keeps what it knows for its next start.
    private static async Task EndAsync(Process process)
    {
        if (OperatingSystem.IsWindows())
        {
            process.Kill();
        }
        else
        {
            using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            await kill.WaitForExitAsync();
        }

        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }
    }

    [GeneratedRegex(@"Now listening on: (https?://\S+)")]
    private static partial Regex NowListening();
}
