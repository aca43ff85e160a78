using ZeroTier.Managed.Tests.Simulation;

namespace ZeroTier.Managed.Tests.Node;

/// <summary>A controller of the application's: whatever it does, the node goes on.</summary>
public class ControllerSeamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_controller_that_throws_does_the_node_no_harm()
    {
        var world = new SimulatedWorld(seed: 1, members: 1);
        var controller = new ThrowingController();
        var node = new ManagedNode(world.OptionsOf(0) with { Controller = controller });
        var id = new NetworkId((TestIdentities.All[0].Address.Value << 24) | 1);
        world.Run(async () =>
        {
            await node.StartAsync(Token);
            await world.Members[0].JoinAsync(id, Token);
            await world.Members[0].StartAsync(Token);
            await world.Members[0].WaitForOnlineAsync(Token);
            await world.Delay(TimeSpan.FromSeconds(12));
            Assert.True(controller.Requests >= 2);
            Assert.Equal(ZeroTierNodeState.Running, node.State);
            await node.DisposeAsync();
        });
        world.Run(async () =>
        {
            await world.Members[0].DisposeAsync();
            await world.Root.DisposeAsync();
        });
        Assert.Equal((1, 1), (controller.Starts, controller.Stops));
        Assert.Single(world.Faults.Lines, line => line.Contains("ThrowingController", StringComparison.Ordinal));
    }

    [Fact]
    public void The_port_of_a_controller_refuses_what_is_not_its_own()
    {
        var world = new SimulatedWorld(seed: 2, members: 0);
        var controller = new ThrowingController { Throws = false };
        var node = new ManagedNode(world.OptionsOf(0) with { Controller = controller });
        var own = new NetworkId((TestIdentities.All[0].Address.Value << 24) | 1);
        var foreign = new NetworkId((TestIdentities.All[1].Address.Value << 24) | 1);
        NodeId member = TestIdentities.All[2].Address;
        world.Run(async () =>
        {
            await node.StartAsync(Token);
            IControllerPort port = controller.Port!;
            Assert.Throws<ArgumentException>(() => port.Push(foreign, member, new byte[10]));
            Assert.Throws<ArgumentException>(() => port.Push(own, member, default));
            Assert.Throws<ArgumentException>(() => port.Push(own, member, new byte[(512 * 1024) + 1]));
            Assert.Throws<ArgumentException>(() => port.Revoke(member, new byte[152]));
            var request = new ControllerRequest(own, TestIdentities.All[2], 1, default);
            Assert.Throws<ArgumentException>(() => port.Refuse(request, ControllerRefusal.AccessDenied, new byte[1025]));
            Assert.Throws<ArgumentException>(() => new ControllerRequest(own, TestIdentities.All[2], 1, new byte[1024]));
            await node.DisposeAsync();

            // Goes nowhere.
            port.Refuse(request, ControllerRefusal.AccessDenied, default);
        });
    }

    private sealed class ThrowingController : INetworkController
    {
        public bool Throws { get; init; } = true;

        public IControllerPort? Port { get; private set; }

        public int Starts { get; private set; }

        public int Requests { get; private set; }

        public int Stops { get; private set; }

        public void Start(IControllerPort port)
        {
            Port = port;
            Starts++;
            Throw();
        }

        public void OnRequest(ControllerRequest request)
        {
            Requests++;
            Throw();
        }

        public void Stop()
        {
            Stops++;
            Throw();
        }

        private void Throw()
        {
            if (Throws)
            {
                throw new InvalidOperationException("The controller is broken.");
            }
        }
    }
}
