using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace ZeroTier.Hosting.Tests;

/// <summary>The name of an app on the development network, when several copies of the app run.</summary>
public sealed class AnnouncedNameTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("zt-names-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task Second_copy_of_an_app_takes_the_name_over_when_the_first_ends()
    {
        await using var network = await DevelopmentNetwork.OpenAsync(new DevelopmentNetworkOptions { Path = _data.FullName }, Cancel);
        var find = network.Configure(new ManagedNodeOptions()).FindHost!;
        using var first = await StartAsync();
        using var second = await StartAsync();
        Assert.Equal(NameOf(first), find("orders"));

        string successor = NameOf(second);
        await first.StopAsync(Cancel);

        using var patience = new CancellationTokenSource(Patience);
        while (find("orders") != successor)
        {
            await Task.Delay(20, patience.Token);
        }

        await second.StopAsync(Cancel);
        Assert.Null(find("orders"));
    }

    private static string NameOf(IHost host)
    {
        var node = host.Services.GetRequiredService<ZeroTierNode>();
        return ZeroTierName.Of(node.Id, node.Networks[0].Id);
    }

    private async Task<IHost> StartAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "Orders" });
        builder.AddZeroTier(zt => zt.UseDevelopmentNetwork(_data.FullName));
        var host = builder.Build();
        await host.StartAsync(Cancel);
        return host;
    }
}
