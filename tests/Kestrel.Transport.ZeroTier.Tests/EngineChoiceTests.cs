using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

[Collection(LibztEngineTests.Process)]
public class EngineChoiceTests
{
    private const string Nowhere = "/nowhere/libzt.so";

    [Fact]
    public void Managed_is_taken_without_a_look_at_the_library()
    {
        var choice = EngineChoice.Of(new ZeroTierOptions { Engine = ZeroTierEngine.Managed, LibztPath = Nowhere });

        Assert.Null(choice.Library);
        Assert.Equal("managed", choice.Engine);
        Assert.Contains("configured", choice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_without_the_library_takes_managed_and_says_what_was_tried()
    {
        var choice = EngineChoice.Of(new ZeroTierOptions { LibztPath = Nowhere });

        Assert.Null(choice.Library);
        Assert.Contains(Nowhere, choice.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', choice.Reason);
    }

    [Fact]
    public void Auto_on_the_development_network_takes_managed()
    {
        var choice = EngineChoice.Of(new ZeroTierOptions { LibztPath = Nowhere, DevelopmentNetworkSelected = true });

        Assert.Null(choice.Library);
        Assert.Contains("development network", choice.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Libzt_without_the_library_fails_with_the_whole_story()
    {
        var error = Assert.Throws<ZeroTierException>(() => EngineChoice.Of(new ZeroTierOptions { Engine = ZeroTierEngine.Libzt, LibztPath = Nowhere }));

        Assert.Equal(ZeroTierError.NotSupported, error.Error);
        Assert.Contains(Nowhere, error.Message, StringComparison.Ordinal);
        Assert.Contains("Managed", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_choice_is_logged_with_its_reason()
    {
        var logs = new LogCollector();
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(logs));
        string storage = Directory.CreateTempSubdirectory("zt-engine").FullName;
        try
        {
            await using var services = new ServiceCollection().BuildServiceProvider();
            var lease = await new EngineFactory(services, factory, TimeProvider.System).CreateAsync(
                new ZeroTierOptions { LibztPath = Nowhere, StoragePath = storage }, TestContext.Current.CancellationToken);
            await lease.Node.DisposeAsync();

            Assert.Equal("managed", lease.Node.Engine);
            var line = Assert.Single(logs.Lines, l => l.Event.Name == "EngineChosen");
            Assert.Equal(LogLevel.Information, line.Level);
            Assert.Contains("managed", line.Text, StringComparison.Ordinal);
            Assert.Contains(Nowhere, line.Text, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(storage, recursive: true);
        }
    }
}
