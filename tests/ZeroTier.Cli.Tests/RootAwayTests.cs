using System.Net;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;
using ZeroTier.Tests;

namespace ZeroTier.Cli.Tests;

/// <summary>Commands while the only root is away.</summary>
public sealed class RootAwayTests : IDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("zt-cli-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task A_node_known_from_an_earlier_run_is_reached_and_the_root_is_missed()
    {
        var network = NetworkId.AdHoc(0, ushort.MaxValue);
        string home = Path.Combine(_data.FullName, "client");
        string planet;
        ManagedNode server;
        ZtResult before;
        await using (var root = await PrivateRoot.StartAsync(
            new PrivateRootOptions
            {
                StoragePath = Path.Combine(_data.FullName, "root"),
                EndPoints = [new IPEndPoint(IPAddress.Loopback, FreePort.Udp())],
            }, Token))
        {
            planet = root.PlanetPath;
            server = new ManagedNode(new ManagedNodeOptions { Planet = root.Planet, Networks = [network] });
            await server.StartAsync(Token);
            await server.WaitForOnlineAsync(Token);
            before = await PingAsync();
        }

        var after = await PingAsync();
        await server.DisposeAsync();

        Assert.Equal(0, before.ExitCode);
        Assert.DoesNotContain("No root answers", before.Error, StringComparison.Ordinal);
        Assert.Equal(0, after.ExitCode);
        Assert.Contains("No root answers", after.Error, StringComparison.Ordinal);
        Assert.Contains("(direct)", after.Output, StringComparison.Ordinal);

        Task<ZtResult> PingAsync() => ZtProcess.RunAsync(
            _data, "ping", "--home", home, "--planet", planet, "--network", network.ToString(), "--count", "3",
            network.GetSixPlaneAddress(server.Id).ToString());
    }
}
