using System.Diagnostics;
using System.Globalization;

namespace ZeroTier.Controller.Tests.Store;

/// <summary>A process that writes to a store (tests/store-writer) until it is killed.</summary>
internal sealed class StoreWriter : IDisposable
{
    public static readonly NetworkId Network = new(0x1234567890_000001);

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "store-writer.dll");

    private readonly Process _process;

    private StoreWriter(Process process) => _process = process;

    /// <summary>The last change that the store has acknowledged.</summary>
    public long Acknowledged { get; private set; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Starts it, and waits until it has the store.</summary>
    /// <param name="store">sqlite or postgresql.</param>
    /// <param name="location">File or connection string.</param>
    /// <param name="pause">Between changes.</param>
    public static async Task<StoreWriter> StartAsync(string store, string location, TimeSpan pause)
    {
        string[] arguments = [Program, store, location, ((int)pause.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)];
        var writer = new StoreWriter(
            Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!);
        string? line = await writer._process.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(Limit, Token);
        Assert.True(line == "active", line is null ? await writer._process.StandardError.ReadToEndAsync(Token) : line);
        return writer;
    }

    /// <summary>Waits until so many more changes are acknowledged.</summary>
    public async Task WaitForAsync(int changes)
    {
        for (int i = 0; i < changes; i++)
        {
            string? line = await _process.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(Limit, Token);
            Note(line ?? throw new InvalidOperationException("The writer has ended."));
        }
    }

    /// <summary>SIGKILL, and then what it has said before.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        while (await _process.StandardOutput.ReadLineAsync(Token) is { } line)
        {
            Note(line);
        }

        await _process.WaitForExitAsync(Token);
    }

    /// <summary>Sends a signal by its name.</summary>
    public void Signal(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Waits until it says that it has lost the lease.</summary>
    public async Task WaitForLossAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(Limit, Token) is { } line && line != "lost")
        {
            Note(line);
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    // The last line may have been cut off in the middle of a number; a shorter number asks for less.
    private void Note(string line) => Acknowledged = Math.Max(Acknowledged, long.Parse(line, CultureInfo.InvariantCulture));
}
