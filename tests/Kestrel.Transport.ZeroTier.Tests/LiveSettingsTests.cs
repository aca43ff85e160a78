using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;
using ZeroTier.Hosting.Live;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>What is said of settings that change while the app runs, and what is done again that failed.</summary>
public sealed class LiveSettingsTests
{
    private const string Other = "1234567890abcdef";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_network_that_cannot_be_joined_is_tried_again_said_once_and_its_endpoint_serves_once_it_is()
    {
        var time = new ObservedTime
        {
            Start = (due, period) => (due == TimeSpan.FromSeconds(30) ? TimeSpan.FromMilliseconds(1) : due, period),
        };
        await using var host = await StartAsync(web => web.Services.AddSingleton<TimeProvider>(time), ("Listen", "8080"));
        host.Server.JoinFailure = new ZeroTierException(ZeroTierError.NotPermitted, "The engine is busy.");
        Set(host, ("Networks", Other), ("Listen", $"8080, {Other}.zt:8081"));
        await TestHost.EventuallyAsync(() => host.Server.FailedJoins > 3, "tried again");
        Assert.Equal("hello", await host.GetAsync());
        var waiting = host.Listeners.Listeners.Where(listener => listener.Port == 8081).ToArray();
        Assert.Contains("is not joined", Assert.Single(waiting).WaitingFor, StringComparison.Ordinal);

        host.Server.JoinFailure = null;
        await TestHost.EventuallyAsync(() => host.Server.Networks.Any(network => network.Id.ToString() == Other), "joined");
        host.Server.SetReady(true, NetworkId.Parse(Other));
        await TestHost.EventuallyAsync(() => waiting[0].State == ListenerState.Attached, "served");
        await TestHost.EventuallyAsync(() => host.Logs.Lines.Any(line => line.Event.Name == "NetworkChanged"), "said");
        var said = Assert.Single(host.Logs.AtLeast(LogLevel.Warning));
        Assert.Contains(
            $"Network {Other}, changed in ZeroTier:Networks, could not be joined or left: The engine is busy. It is tried again "
            + "every 30 seconds.", said.Text, StringComparison.Ordinal);

        // Nothing is left to be tried.
        int waits = time.Due.Count(due => due == TimeSpan.FromSeconds(30));
        Set(host, ("RequireDirect", "true"));
        await TestHost.EventuallyAsync(() => Followed(host, "RequireDirect"), "followed");
        Assert.Equal(waits, time.Due.Count(due => due == TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_network_that_could_not_be_joined_and_is_no_longer_configured_is_tried_no_more()
    {
        var time = new ObservedTime { Start = (due, period) => (due == TimeSpan.FromSeconds(30) ? Timeout.InfiniteTimeSpan : due, period) };
        await using var host = await StartAsync(web => web.Services.AddSingleton<TimeProvider>(time));
        host.Server.JoinFailure = new ZeroTierException(ZeroTierError.NotPermitted, "The engine is busy.");
        Set(host, ("Networks", Other));
        await TestHost.EventuallyAsync(() => time.Due.Contains(TimeSpan.FromSeconds(30)), "waits");
        host.Server.JoinFailure = null;
        Set(host, ("Networks", ""));
        Set(host, ("RequireDirect", "true"));
        await TestHost.EventuallyAsync(() => Followed(host, "RequireDirect") || Followed(host, "Networks, RequireDirect"), "followed");
        Assert.Single(time.Due, due => due == TimeSpan.FromSeconds(30));
        Assert.DoesNotContain(host.Server.Networks, network => network.Id.ToString() == Other);
    }

    [Theory]
    [InlineData("true", "false", "false: restart the application to end the node")]
    [InlineData("false", "true", "true: restart the application to start the node")]
    public async Task Enabled_that_changes_says_what_a_restart_would_do(string before, string after, string said)
    {
        await using var host = await StartAsync(web => web.WebHost.UseUrls("http://127.0.0.1:0"), ("Enabled", before), ("Listen", "8080"));
        Set(host, ("Enabled", after), ("Listen", "8081"));
        Set(host, ("Listen", "8082"));
        await TestHost.EventuallyAsync(() => host.Logs.AtLeast(LogLevel.Warning).Any(), "said");
        Set(host, ("Enabled", before), ("Listen", "8080"), ("RequireDirect", "true"));
        if (before == "true")
        {
            await TestHost.EventuallyAsync(() => Followed(host, "RequireDirect"), "followed");
            Assert.Equal("hello", await host.GetAsync());
        }

        Assert.Contains(
            $"ZeroTier:Enabled is now {said}.", Assert.Single(host.Logs.AtLeast(LogLevel.Warning)).Text, StringComparison.Ordinal);
        Assert.Equal(before == "true", host.Server.Starts == 1);
    }

    [Fact]
    public async Task A_setting_that_needs_a_restart_is_named_when_it_differs_from_the_start_and_not_when_it_is_as_it_was()
    {
        await using var host = await StartAsync(null, ("Backlog", "100"));
        Set(host, ("Backlog", "200"));
        await TestHost.EventuallyAsync(() => Warnings(host).Length == 1, "said");
        Set(host, ("Backlog", "100"), ("RequireDirect", "true"));
        await TestHost.EventuallyAsync(() => Followed(host, "RequireDirect"), "followed");
        Set(host, ("KeepHostUrls", "true"));
        await TestHost.EventuallyAsync(() => Warnings(host).Length == 2, "said");
        Set(host, ("RequireDirect", "false"));
        await TestHost.EventuallyAsync(() => host.Logs.Lines.Count(line => line.Event.Name == "SettingsFollowed") == 2, "followed");
        Set(host, ("Backlog", "200"));
        await TestHost.EventuallyAsync(() => Warnings(host).Length == 3, "said");
        Assert.Collection(
            Warnings(host),
            text => Assert.EndsWith("into use: Backlog.", text, StringComparison.Ordinal),
            text => Assert.EndsWith("into use: KeepHostUrls.", text, StringComparison.Ordinal),
            text => Assert.EndsWith("into use: Backlog, KeepHostUrls.", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_endpoint_that_was_made_in_code_comes_to_a_new_network_with_a_restart_which_is_said_once()
    {
        await using var host = await StartAsync(null);
        Set(host, ("Networks", Other));
        await TestHost.EventuallyAsync(() => Warnings(host).Length == 1, "said");
        Set(host, ("RequireDirect", "true"));
        await TestHost.EventuallyAsync(() => Followed(host, "RequireDirect"), "followed");
        Set(host, ("Networks", ""));
        await TestHost.EventuallyAsync(() => host.Server.Networks.Count == 1, "left");
        Assert.EndsWith("into use: Listen.", Assert.Single(Warnings(host)), StringComparison.Ordinal);
        Assert.Equal("hello", await host.GetAsync());
    }

    /// <summary>As tests and tools do. The host would take an exception of it for a fault, log it as critical, and stop.</summary>
    [Fact]
    public async Task A_host_that_is_disposed_of_without_a_stop_ends_the_watch_without_a_fault()
    {
        await using var host = await StartAsync(null);
        var watch = host.App.Services.GetRequiredService<SettingsWatch>();
        await host.App.DisposeAsync();
        await watch.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    private static string[] Warnings(TestHost host) => [.. host.Logs.AtLeast(LogLevel.Warning).Select(line => line.Text)];

    private static bool Followed(TestHost host, string settings) =>
        host.Logs.Lines.Any(line => line.Text.Contains($"Taken into use: {settings}.", StringComparison.Ordinal));

    private static async Task<TestHost> StartAsync(Action<WebApplicationBuilder>? builder, params (string Setting, string Value)[] settings)
    {
        var host = TestHost.Build(
            settings.Any(setting => setting.Setting == "Listen") ? _ => { }
        : null,
            web =>
            {
                foreach (var (setting, value) in settings)
                {
                    web.Configuration[$"ZeroTier:{setting}"] = value;
                }

                builder?.Invoke(web);
            });
        await host.App.StartAsync(Cancel).WaitAsync(TestHost.Limit, Cancel);
        return host;
    }

    private static void Set(TestHost host, params (string Setting, string Value)[] settings)
    {
        var configuration = (IConfigurationRoot)host.App.Services.GetRequiredService<IConfiguration>();
        foreach (var (setting, value) in settings)
        {
            configuration[$"ZeroTier:{setting}"] = value;
        }

        configuration.Reload();
    }
}
