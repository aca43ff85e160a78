using System.Diagnostics;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli.Tests;

/// <summary>A development network whose root is killed with its process.</summary>
public sealed class RootTakeOverTests : IDisposable
{
    // Generous: what is measured is reported, not judged. Without a remedy members found each other after 15 s.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("zt-kill-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task New_member_reaches_an_old_one_after_the_process_with_the_root_was_killed()
    {
        var nobody = DevelopmentNetwork.Network.GetSixPlaneAddress(new NodeId(0x1234567890));
        await using var root = ZtProcess.Start(_data, "forward", "0", $"[{nobody}]:1");
        Assert.Contains("leads to", await root.FirstErrorAsync(), StringComparison.Ordinal);
        await using var first = await OpenAsync();
        await using var second = await OpenAsync();
        Assert.False(first.IsRoot || second.IsRoot);
        await using var old = await StartMemberAsync(first);
        using var newcomer = await NodeIdentity.GenerateAsync(cancellationToken: Cancel);

        var time = Stopwatch.StartNew();
        root.Kill();
        while (!first.IsRoot && !second.IsRoot)
        {
            Assert.True(time.Elapsed < Limit);
            await Task.Delay(10, Cancel);
        }

        var takenOver = time.Elapsed;
        await using var member = await StartMemberAsync(second, newcomer);
        var online = time.Elapsed;
        await PingAsync(member, old).WaitAsync(Limit, Cancel);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"After the kill: role taken over {takenOver.TotalMilliseconds:F0} ms, new member online {online.TotalMilliseconds:F0} ms, old "
            + $"member reached {time.Elapsed.TotalMilliseconds:F0} ms.");
        Assert.True(first.IsRoot ^ second.IsRoot);
    }

    private Task<DevelopmentNetwork> OpenAsync() =>
        DevelopmentNetwork.OpenAsync(new DevelopmentNetworkOptions { Path = Path.Combine(_data.FullName, "ztkestrel", "dev") }, Cancel);

    private static async Task<ManagedNode> StartMemberAsync(DevelopmentNetwork network, NodeIdentity? identity = null)
    {
        var node = new ManagedNode(network.Configure(new ManagedNodeOptions { Identity = identity }));
        await node.StartAsync(Cancel);
        await node.WaitForOnlineAsync(Cancel).WaitAsync(Limit, Cancel);
        await node.WaitForNetworkAsync(DevelopmentNetwork.Network, Cancel).WaitAsync(Limit, Cancel);
        return node;
    }

    private static async Task PingAsync(ManagedNode from, ManagedNode to)
    {
        var address = DevelopmentNetwork.Network.GetSixPlaneAddress(to.Id);
        while (true)
        {
            try
            {
                await from.PingAsync(
                    DevelopmentNetwork.Network, address, timeout: TimeSpan.FromMilliseconds(500), cancellationToken: Cancel);
                return;
            }
            catch (ZeroTierException e) when (e.Error == ZeroTierError.TimedOut)
            {
            }
        }
    }
}
