namespace Kestrel.Transport.ZeroTier.Tests;

public class Smoke
{
    [Fact]
    public async Task Request_OverTheNetwork_IsAnswered()
    {
        await using var host = await TestHost.StartAsync();
        Assert.Equal("hello", await host.GetAsync());
    }
}
