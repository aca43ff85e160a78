using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Tests;

/// <summary>The certificate of the node on an engine that cannot prove one, such as libzt.</summary>
public class HttpsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_fails_with_the_reason_and_nothing_is_served(bool configured)
    {
        await using var host = TestHost.Build(
            configured ? _ => { } : zt => zt.Listen(8443, listen => listen.UseZeroTierHttps()),
            web => web.Configuration.AddInMemoryCollection(configured
                ? new Dictionary<string, string?> { ["ZeroTier:Listen:Port"] = "8443", ["ZeroTier:Listen:Https"] = "true" }
                : []));

        var error = await Assert.ThrowsAsync<ZeroTierException>(() => host.App.StartAsync(Cancel));

        Assert.Equal(ZeroTierError.NotSupported, error.Error);
        Assert.Contains("has no access to the key of the node's identity", error.Message, StringComparison.Ordinal);
        Assert.Empty(host.Server.Listeners);
    }

    [Fact]
    public async Task Host_without_such_an_endpoint_starts()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal("hello", await host.GetAsync());
    }
}
