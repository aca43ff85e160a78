using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Observability.Tests;

/// <summary>ZeroTier:CapturePath and MaxCaptureSize, at the start and while the app runs.</summary>
public sealed class CaptureSettingTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zt-capture-");
    private readonly LogCollector _logs = new();
    private TestNetwork _network = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _network = await TestNetwork.StartAsync(Cancel);

    public async ValueTask DisposeAsync()
    {
        await _network.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_capture_begins_and_ends_with_its_setting_while_the_app_runs()
    {
        await using var app = await StartAsync(("ZeroTier:CapturePath", InFolder("first")));
        using var http = await _network.CreateClientAsync(app.Services, Cancel);
        await http.GetStringAsync("/", Cancel);

        Set(app, ("ZeroTier:CapturePath", InFolder("second")));
        await FollowedAsync(1);
        Assert.Single(PcapngReader.Read(await File.ReadAllBytesAsync(InFolder("first"), Cancel)).Counts);
        await http.GetStringAsync("/", Cancel);

        Set(app, ("ZeroTier:CapturePath", null));
        await FollowedAsync(2);
        var second = PcapngReader.Read(await File.ReadAllBytesAsync(InFolder("second"), Cancel));
        Assert.Contains(second.Frames, frame => frame.IsInbound && frame.Bytes.AsSpan().IndexOf("GET / HTTP/1.1"u8) >= 0);
        Assert.Single(second.Counts);
        await http.GetStringAsync("/", Cancel);
        Assert.Equal(second.Frames.Count, PcapngReader.Read(await File.ReadAllBytesAsync(InFolder("second"), Cancel)).Frames.Count);
        Assert.DoesNotContain(_logs.Lines, line => line.Event.Name == "SettingsForRestart");
    }

    [Fact]
    public async Task A_capture_ends_at_the_size_of_the_settings()
    {
        var app = await StartAsync(("ZeroTier:CapturePath", InFolder("file")), ("ZeroTier:MaxCaptureSize", "4096"));
        using (var http = await _network.CreateClientAsync(app.Services, Cancel))
        {
            for (int i = 0; i < 1000 && _logs.Lines.All(line => line.Event.Name != "CaptureSizeReached"); i++)
            {
                await http.GetStringAsync("/", Cancel);
            }
        }

        Assert.InRange(new FileInfo(InFolder("file")).Length, 2048, 4096);
        await app.DisposeAsync();
        Assert.Single(PcapngReader.Read(await File.ReadAllBytesAsync(InFolder("file"), Cancel)).Counts);
    }

    [Fact]
    public async Task A_capture_ends_with_the_host()
    {
        var app = await StartAsync(("ZeroTier:CapturePath", InFolder("file")));
        using (var http = await _network.CreateClientAsync(app.Services, Cancel))
        {
            await http.GetStringAsync("/", Cancel);
        }

        await app.DisposeAsync();
        Assert.Single(PcapngReader.Read(await File.ReadAllBytesAsync(InFolder("file"), Cancel)).Counts);
    }

    [Fact]
    public async Task A_capture_that_cannot_be_made_is_a_warning_and_the_app_serves()
    {
        await File.WriteAllTextAsync(InFolder("letter"), "a letter", Cancel);
        await using var app = await StartAsync(("ZeroTier:CapturePath", InFolder("letter")));
        using var http = await _network.CreateClientAsync(app.Services, Cancel);

        Assert.Equal("hello", await http.GetStringAsync("/", Cancel));
        var warning = Assert.Single(_logs.Lines, line => line.Event.Name == "CaptureNotStarted");
        Assert.Equal(LogLevel.Warning, warning.Level);
        Assert.Contains("Remove it, or name another file.", warning.Text, StringComparison.Ordinal);
        Assert.Equal("a letter", await File.ReadAllTextAsync(InFolder("letter"), Cancel));
    }

    [Fact]
    public async Task A_size_that_is_too_small_is_an_error_at_the_start()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(("ZeroTier:MaxCaptureSize", "100")));
        Assert.Contains(
            "ZeroTier:MaxCaptureSize is '100', which is not in the range of 4096 or more.", error.Message, StringComparison.Ordinal);
    }

    private string InFolder(string name) => Path.Combine(_folder.FullName, name);

    private Task<WebApplication> StartAsync(params (string Key, string? Value)[] settings) => Apps.StartAsync(_network, configure: web =>
    {
        web.Logging.AddProvider(_logs);
        web.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value)));
    });

    private static void Set(WebApplication app, (string Key, string? Value) setting)
    {
        var configuration = (IConfigurationRoot)app.Configuration;
        configuration[setting.Key] = setting.Value;
        configuration.Reload();
    }

    private Task FollowedAsync(int times) =>
        Eventually.TrueAsync(() => _logs.Lines.Count(line => line.Event.Name == "SettingsFollowed") >= times, "the settings followed");
}
