using System.Net;
using System.Text;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>Members that find each other through a multicast group, as mDNS does (RFC 6762).</summary>
public class MulticastGroupTests
{
    private const int MdnsPort = 5353;
    // Not 10.x.y.z, where the physical network of the simulation is.
    private static readonly NetworkId AdHoc = NetworkId.Parse("ff19000000000001");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("224.0.0.251", false)]
    [InlineData("ff02::fb", false)]
    [InlineData("224.0.0.251", true)]
    [InlineData("ff02::fb", true)]
    public void Members_find_each_other_through_a_group(string groupText, bool adHoc)
    {
        var world = new PrivateWorld(seed: 40, members: 3);
        var group = IPAddress.Parse(groupText);
        world.Run(async () =>
        {
            await world.StartAsync();
            var network = adHoc ? await JoinAdHocAsync(world) : world.Id;
            var sockets = new List<IZeroTierDatagramSocket>();
            foreach (var member in world.Members)
            {
                var socket = await member.BindDatagramAsync(new ZeroTierEndPoint(network, MdnsPort), Token);
                socket.JoinGroup(group);
                sockets.Add(socket);
                _ = AnswerAsync(member, socket);
            }

            await world.Delay(TimeSpan.FromSeconds(1));
            for (int i = 0; i < world.Members.Count; i++)
            {
                // Asked from a port of its own, as one-shot queries are (RFC 6762, 5.1): the answers come by unicast.
                await using var asker = await world.Members[i].BindDatagramAsync(new ZeroTierEndPoint(network, 0), Token);
                await asker.SendToAsync("who"u8.ToArray(), new IPEndPoint(group, MdnsPort), Token);
                var answers = await ReceiveAllAsync(world, asker, TimeSpan.FromSeconds(5));

                // The asker's own responder is among them.
                Assert.Equal(world.Members.Select(m => m.Id.ToString()).Order(), answers.Select(a => a.Text).Order());
                Assert.All(answers, a => Assert.Equal(a.Text, a.Node.ToString()));
            }

            // Whoever leaves the group hears nothing more.
            sockets[2].LeaveGroup(group);
            await using var last = await world.Members[0].BindDatagramAsync(new ZeroTierEndPoint(network, 0), Token);
            await last.SendToAsync("who"u8.ToArray(), new IPEndPoint(group, MdnsPort), Token);
            Assert.Equal(2, (await ReceiveAllAsync(world, last, TimeSpan.FromSeconds(5))).Count);
            foreach (var socket in sockets)
            {
                await socket.DisposeAsync();
            }
        });
        world.Stop();
    }

    [Fact]
    public void Group_of_a_network_without_multicast_cannot_be_joined_and_the_error_says_what_to_do()
    {
        var world = new PrivateWorld(seed: 41, members: 1);
        world.Network.MulticastLimit = 0;
        world.Run(async () =>
        {
            await world.StartAsync();
            var ports = NetworkId.AdHoc(0, ushort.MaxValue);
            await world.Members[0].JoinAsync(ports, Token);
            foreach (var (network, remedy) in new[] { (world.Id, "multicast limit"), (ports, "ff19000000000001") })
            {
                await using var socket = await world.Members[0].BindDatagramAsync(new ZeroTierEndPoint(network, 0), Token);
                var error = Assert.Throws<ZeroTierException>(() => socket.JoinGroup(IPAddress.Parse("224.0.0.251")));
                Assert.Equal(ZeroTierError.NotPermitted, error.Error);
                Assert.Contains(remedy, error.Message, StringComparison.Ordinal);
            }
        });
        world.Stop();
    }

    [Fact]
    public void Roots_that_were_away_when_a_group_was_joined_learn_of_it_when_they_are_back()
    {
        var world = new PrivateWorld(seed: 42, members: 2);
        var group = IPAddress.Parse("224.0.0.251");
        world.Run(async () =>
        {
            await world.StartAsync();
            var network = await JoinAdHocAsync(world);
            await world.Delay(TimeSpan.FromSeconds(70));
            world.Physical.Partition([.. world.Hosts.Select(host => new[] { host })]);
            while (world.Members[1].IsOnline)
            {
                await world.Delay(TimeSpan.FromSeconds(1));
            }

            await using var socket = await world.Members[1].BindDatagramAsync(new ZeroTierEndPoint(network, MdnsPort), Token);
            socket.JoinGroup(group);
            await world.Delay(TimeSpan.FromSeconds(1));
            world.Physical.Heal();
            await world.Members[0].WaitForOnlineAsync(Token);
            await world.Members[1].WaitForOnlineAsync(Token);

            await using var asker = await world.Members[0].BindDatagramAsync(new ZeroTierEndPoint(network, 0), Token);
            await asker.SendToAsync(new byte[] { 1 }, new IPEndPoint(group, MdnsPort), Token);
            Assert.Single(await ReceiveAllAsync(world, socket, TimeSpan.FromSeconds(4)));
        });
        world.Stop();
    }

    private static async Task<NetworkId> JoinAdHocAsync(PrivateWorld world)
    {
        foreach (var member in world.Members)
        {
            await member.JoinAsync(AdHoc, Token);
            await member.WaitForNetworkAsync(AdHoc, Token);
        }

        return AdHoc;
    }

    private static async Task AnswerAsync(ManagedNode member, IZeroTierDatagramSocket socket)
    {
        byte[] buffer = new byte[100];
        try
        {
            while (true)
            {
                var question = await socket.ReceiveFromAsync(buffer, Token);
                await socket.SendToAsync(Encoding.ASCII.GetBytes(member.Id.ToString()), question.RemoteEndPoint, Token);
            }
        }
        catch (ZeroTierException)
        {
            // Closed.
        }
    }

    private static async Task<List<(string Text, NodeId? Node)>> ReceiveAllAsync(
        PrivateWorld world, IZeroTierDatagramSocket socket, TimeSpan time)
    {
        var received = new List<(string, NodeId?)>();
        byte[] buffer = new byte[100];
        var stop = new CancellationTokenSource();
        world.Clock.Schedule(time, stop.Cancel);
        try
        {
            while (true)
            {
                var datagram = await socket.ReceiveFromAsync(buffer, stop.Token);
                received.Add((Encoding.ASCII.GetString(buffer, 0, datagram.Length), datagram.RemoteNode));
            }
        }
        catch (OperationCanceledException)
        {
            return received;
        }
    }
}
