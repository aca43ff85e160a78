using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Hosting.Tests;

public class EngineChoiceTests
{
    private const string Nowhere = "/nowhere/libzt.so";

    [Fact]
    public void Managed_is_taken_without_a_look_at_the_library()
    {
        var choice = EngineChoice.Of(new ZeroTierNodeOptions { Engine = ZeroTierEngine.Managed, LibztPath = Nowhere });

        Assert.Null(choice.Library);
        Assert.Equal("managed", choice.Engine);
        Assert.Contains("configured", choice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_without_the_library_takes_managed_and_says_so_in_a_line_with_what_was_tried_apart()
    {
        var choice = EngineChoice.Of(new ZeroTierNodeOptions { LibztPath = Nowhere });

        Assert.Null(choice.Library);
        Assert.Equal($"libzt was not loaded from '{Nowhere}'", choice.Reason);
        Assert.Contains(Nowhere, choice.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", choice.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_on_the_development_network_takes_managed()
    {
        var choice = EngineChoice.Of(new ZeroTierNodeOptions { LibztPath = Nowhere, DevelopmentNetworkSelected = true });

        Assert.Null(choice.Library);
        Assert.Contains("development network", choice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Libzt_without_the_library_fails_with_the_whole_story()
    {
        var error = Assert.Throws<ZeroTierException>(
            () => EngineChoice.Of(new ZeroTierNodeOptions { Engine = ZeroTierEngine.Libzt, LibztPath = Nowhere }));

        Assert.Equal(ZeroTierError.NotSupported, error.Error);
        Assert.Contains(Nowhere, error.Message, StringComparison.Ordinal);
        Assert.Contains("Managed", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Production", false, true)]
    [InlineData("Production", true, false)]
    [InlineData("Development", false, false)]
    public async Task Public_roots_that_nobody_asked_for_are_a_warning(string environment, bool asked, bool warned)
    {
        using var logs = new LogCollector();
        string storage = Directory.CreateTempSubdirectory("zt-roots").FullName;
        try
        {
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = environment });
            builder.Logging.AddProvider(logs);
            using var host = builder.Build();
            var lease = await new EngineFactory(
                host.Services, host.Services.GetRequiredService<ILoggerFactory>(), TimeProvider.System).CreateAsync(
                new ZeroTierNodeOptions { Engine = ZeroTierEngine.Managed, StoragePath = storage, PublicRoots = asked },
                TestContext.Current.CancellationToken);
            await lease.Node.DisposeAsync();

            Assert.Contains(
                "public ones", Assert.Single(logs.Lines, line => line.Event.Name == "RootsChosen").Text, StringComparison.Ordinal);
            Assert.Equal(
                warned ? 1 : 0,
                logs.AtLeast(LogLevel.Warning).Count(line => line.Text.Contains("ZeroTier:PublicRoots to true", StringComparison.Ordinal)));
        }
        finally
        {
            Directory.Delete(storage, recursive: true);
        }
    }

    [Fact]
    public async Task The_choice_is_logged_with_its_reason()
    {
        var logs = new LogCollector();
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(logs).SetMinimumLevel(LogLevel.Debug));
        string storage = Directory.CreateTempSubdirectory("zt-engine").FullName;
        try
        {
            await using var services = new ServiceCollection().BuildServiceProvider();
            var lease = await new EngineFactory(services, factory, TimeProvider.System).CreateAsync(
                new ZeroTierNodeOptions { LibztPath = Nowhere, StoragePath = storage }, TestContext.Current.CancellationToken);
            await lease.Node.DisposeAsync();

            Assert.Equal("managed", lease.Node.Engine);
            var line = Assert.Single(logs.Lines, l => l.Event.Name == "EngineChosen");
            Assert.Equal(LogLevel.Information, line.Level);
            Assert.Contains("managed", line.Text, StringComparison.Ordinal);
            Assert.Contains(Nowhere, line.Text, StringComparison.Ordinal);
            Assert.InRange(line.Text.Length, 1, 120);
            Assert.Equal(LogLevel.Debug, Assert.Single(logs.Lines, l => l.Event.Name == "EngineChosenInDetail").Level);
        }
        finally
        {
            Directory.Delete(storage, recursive: true);
        }
    }
}
