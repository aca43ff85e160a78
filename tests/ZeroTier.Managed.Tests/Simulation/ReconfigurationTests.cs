using System.Buffers;
using System.Net;
using ZeroTier.Managed.Vl2.Configuration;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>A network's configuration changes under a node at work: what is open goes on, but for what loses its address.</summary>
[Collection(nameof(AloneInTheProcess))]
public class ReconfigurationTests
{
    private const int Port = 80;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Connections_survive_everything_but_the_loss_of_their_address_and_listeners_follow()
    {
        var world = new SimulatedWorld(seed: 77, members: 2);
        var (server, client) = (world.Members[0], world.Members[1]);
        world.Run(async () =>
        {
            await world.StartAsync();
            var network = server.Session!.Networks[0].Network;
            var first = network.Configuration!;
            var (kept, lost, late) = (world.AddressOf(0), Sibling(world.AddressOf(0), 2), Sibling(world.AddressOf(0), 3));
            network.Apply(With(first, kept, lost));
            await using var listener = await server.ListenAsync(
                new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport, Token);
            await using var stays = await OpenAsync(client, listener, kept);
            await using var ends = await OpenAsync(client, listener, lost);
            using var events = server.Subscribe();

            network.Apply(With(first, kept, late) with { Mtu = 1280, Name = "renamed", Revision = 2 });

            var error = await ends.Server.ReceiveEnded;
            Assert.Equal(ZeroTierError.AddressNotAvailable, error!.Error);
            Assert.Contains(lost.ToString(), error.Message, StringComparison.Ordinal);
            Assert.Equal(ZeroTierError.ConnectionReset, (await ends.Client.ReceiveEnded)!.Error);
            await ExchangeAsync(stays.Client, stays.Server);
            await using var follows = await OpenAsync(client, listener, late);
            await ExchangeAsync(follows.Client, follows.Server);

            var snapshot = server.Networks[0];
            Assert.Equal(("renamed", 1280), (snapshot.Name, snapshot.Mtu));
            Assert.Equal([kept, late], snapshot.Addresses.Select(a => a.Address));
            var seen = new List<(ZeroTierEventCode, IPAddress?)>();
            await foreach (var item in events.ReadAllAsync(Token))
            {
                seen.Add((item.Code, item.Address));
                if (item.Code == ZeroTierEventCode.NetworkUpdate)
                {
                    break;
                }
            }

            // docs/protocol/3-vl2.md 3.12: the state stays OK, so that there is no further READY or OK.
            Assert.Equal(
                [(ZeroTierEventCode.AddressAddedIPv6,
                    late), (ZeroTierEventCode.AddressRemovedIPv6, lost), (ZeroTierEventCode.NetworkUpdate, null)],
                seen.Where(
                    item => item.Item1 is ZeroTierEventCode.AddressAddedIPv6 or ZeroTierEventCode.AddressRemovedIPv6
                        or ZeroTierEventCode.NetworkUpdate));
        });
        world.Stop();
    }

    [Fact]
    public void A_refused_member_keeps_its_connections_and_says_why()
    {
        var world = new SimulatedWorld(seed: 78, members: 2);
        var (server, client) = (world.Members[0], world.Members[1]);
        world.Run(async () =>
        {
            await world.StartAsync();
            var network = server.Session!.Networks[0].Network;
            await using var listener = await server.ListenAsync(
                new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport, Token);
            await using var open = await OpenAsync(client, listener, world.AddressOf(0));

            network.Fail(new NetworkFailure(ZeroTierNetworkStatus.AccessDenied, "Refused by the controller."));

            Assert.Equal(ZeroTierNetworkStatus.AccessDenied, server.Networks[0].Status);
            Assert.Equal("Refused by the controller.", server.Networks[0].Detail);
            Assert.Single(server.Networks[0].Addresses);
            await ExchangeAsync(open.Client, open.Server);
        });
        world.Stop();
    }

    private static NetworkConfiguration With(NetworkConfiguration configuration, params IPAddress[] addresses) => configuration with
    {
        Addresses = [.. addresses.Select(address => configuration.Addresses[0] with { Address = IpAddress.From(address) })],
    };

    // Another address of the member's own /80.
    private static IPAddress Sibling(IPAddress address, byte last) => new([.. address.GetAddressBytes()[..15], last]);

    private static async Task<Pair> OpenAsync(ManagedNode client, IZeroTierListener listener, IPAddress address)
    {
        var accepting = listener.AcceptAsync(Token).AsTask();
        var connection = await client.ConnectAsync(
            new ZeroTierEndPoint(SimulatedWorld.Network, address, Port), SimulatedWorld.InlineTransport, Token);
        return new Pair(connection, (await accepting)!);
    }

    private static async Task ExchangeAsync(ZeroTierConnection from, ZeroTierConnection to)
    {
        await from.Output.WriteAsync(new byte[5000], Token);
        for (long left = 5000; left > 0;)
        {
            var read = await to.Input.ReadAsync(Token);
            left -= read.Buffer.Length;
            to.Input.AdvanceTo(read.Buffer.End);
        }
    }

    private sealed record Pair(ZeroTierConnection Client, ZeroTierConnection Server) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await Server.DisposeAsync();
        }
    }
}
