using ZeroTier.Managed;

namespace ZeroTier.Controller.Tests;

/// <summary>A controller on real threads.</summary>
public class ConcurrencyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_and_changes_from_many_threads_give_every_member_its_own_address()
    {
        const int Threads = 8, Nodes = 25;
        var port = new CountingPort(TestIdentities.All[0]);
        await using NetworkController controller = await NetworkController.OpenAsync(
            new NetworkControllerOptions { Store = new MemoryControllerStore() },
                Token);
        INetworkController role = controller;
        role.Start(port);
        ControllerNetwork network = await controller.CreateNetworkAsync(
            n => Addressing.Pool("10.0.0.1", "10.0.0.254")(n) with { IsPrivate = false }, ControllerBench.Admin, Token);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(
            async () =>
            {
                for (int i = 0; i < Nodes; i++)
                {
                    NodeIdentity node = TestIdentities.At(new NodeId(0x30_0000_0000UL + (ulong)((thread * 1000) + i)));
                    role.OnRequest(new ControllerRequest(network.Id, node, 1, ReadOnlyMemory<byte>.Empty));
                    await controller.UpdateNetworkAsync(
                        network.Id, n => n with { Name = $"{thread}-{i}" }, null, ControllerBench.Admin, Token);
                }
            },
            Token)));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (controller.GetStatistics() is var counts && counts.Replies + counts.RequestsDropped < Threads * Nodes)
        {
            await Task.Delay(5, limit.Token);
        }

        role.Stop();
        IReadOnlyList<MemberStatus> members = controller.GetMembers(network.Id);
        Assert.Equal(members.Count, members.SelectMany(m => m.Member.Addresses).Distinct().Count());
        Assert.Equal(Threads * Nodes, members.Count + controller.GetStatistics().RequestsDropped);
        Assert.Equal(1 + (Threads * Nodes), controller.FindNetwork(network.Id)!.Revision);
        Assert.Equal(0, controller.GetStatistics().StoreFailures);
    }

    [Fact]
    public async Task After_disposal_changes_are_refused_and_subscriptions_end()
    {
        NetworkController controller = await NetworkController.OpenAsync(
            new NetworkControllerOptions { Store = new MemoryControllerStore() }, Token);
        ((INetworkController)controller).Start(new CountingPort(TestIdentities.All[0]));
        using ControllerSubscription subscription = controller.Subscribe();
        await controller.DisposeAsync();
        await controller.DisposeAsync();
        var id = new NetworkId((TestIdentities.All[0].Address.Value << 24) | 1);
        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => controller.CreateNetworkAsync(new ControllerNetwork { Id = id }, ControllerBench.Admin, Token));
        await foreach (ControllerEvent _ in subscription.ReadAllAsync(Token))
        {
            Assert.Fail("Nothing happened.");
        }
    }

    private sealed class CountingPort(NodeIdentity identity) : IControllerPort
    {
        public NodeIdentity Identity => identity;

        public void Reply(ControllerRequest request, ReadOnlyMemory<byte> dictionary)
        {
        }

        public void Refuse(ControllerRequest request, ControllerRefusal reason, ReadOnlyMemory<byte> dictionary)
        {
        }

        public void Push(NetworkId network, NodeId member, ReadOnlyMemory<byte> dictionary)
        {
        }

        public void Revoke(NodeId member, ReadOnlyMemory<byte> revocation)
        {
        }
    }
}
