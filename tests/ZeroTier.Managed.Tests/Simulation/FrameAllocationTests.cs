using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>
/// Frames of a network with a controller, rules and IPv4 addresses: in steady state none costs an allocation, whichever way it goes.
/// </summary>
public class FrameAllocationTests
{
    private const int Rounds = 200;

    // Accept ICMP, ARP, and UDP to or from port 7; drop all else.
    private const string Rules = "2401010100" + "25020806" + "0100" + "2401112804" + "00070007" + "0100" + "2401112704" + "00070007"
        + "0100" + "0000";

    // Short, so that a run falls between two ticks of the node's timers.
    private static readonly TimeSpan Delay = TimeSpan.FromTicks(1000);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void Frame_allocates_nothing_on_its_way(int from, int to)
    {
        var world = new PrivateWorld(seed: 50, members: 2);
        world.Network.Rules = Rules;
        world.Physical.DefaultLink = new VirtualLink { Delay = Delay };
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.Members[from].PingAsync(world.Id, world.IPv4Of(to), cancellationToken: Token);
            await world.Delay(TimeSpan.FromSeconds(5));
        });
        var sender = world.Members[from].Session!.Find(world.Id)!;
        var receiver = world.Members[to].Session!.Find(world.Id)!;
        using var output = sender.Stack.BindUdp(null, 0);
        using var input = receiver.Stack.BindUdp(null, 7);
        byte[] data = new byte[1000];
        byte[] buffer = new byte[2000];
        var address = ZeroTier.Managed.Net.IpAddress.From(world.IPv4Of(to));
        int sent = 0, received = 0;

        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                sent++;
                output.SendTo(data, address, 7);
                world.Clock.Advance(2 * Delay);
                var receiving = input.ReceiveAsync(buffer, CancellationToken.None);
                received += receiving.IsCompletedSuccessfully && receiving.Result.Length == data.Length ? 1 : 0;
            }
        }));
        Assert.Equal(sent, received);
        output.Dispose();
        input.Dispose();
        world.Stop();
    }
}
