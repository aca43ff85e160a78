using System.Net;
using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Addresses that two members have (RFC 5227).</summary>
public class AddressConflictTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Conflict_is_told_once_with_both_nodes_and_the_remedy()
    {
        var address = new IpInterfaceAddress(IpAddress.From(IPAddress.Parse("10.147.20.99")), 24);
        var world = new PrivateWorld(seed: 60, members: 3);
        world.Network.IssuesOwnership = false;
        world.Record(1).Addresses.Add(address);
        world.Run(async () =>
        {
            await world.StartAsync();
            Assert.Empty(Conflicts(world));

            // The controller gives member 2 the address of member 1.
            world.Record(2).Addresses.Add(address);
            world.Controller.Authorize(world.Network, world.Record(2).Node);
            await world.Delay(TimeSpan.FromSeconds(2));
            var (holder, newcomer) = (world.Record(1).Node, world.Record(2).Node);
            string told = Conflicts(world)[0];
            Assert.Contains(
                $"node {newcomer} uses 10.147.20.99, which is an address of this node ({holder})", told, StringComparison.Ordinal);
            Assert.EndsWith("take the one away that was set by hand.", told, StringComparison.Ordinal);

            // However often it happens.
            for (int i = 0; i < 3; i++)
            {
                world.Members[2].Session!.Find(world.Id)!.Stack.Defend(address.Address);
                await world.Delay(TimeSpan.FromSeconds(30));
            }

            Assert.Single(Conflicts(world), told);
            await world.Members[0].PingAsync(world.Id, world.IPv4Of(1), cancellationToken: Token);
        });
        world.Stop();
    }

    private static string[] Conflicts(PrivateWorld world) =>
        [.. world.Logs.Lines.Where(line => line.Event.Name == "AddressConflict").Select(line => line.Text)];
}
