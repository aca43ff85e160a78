using System.Net;
using System.Net.Sockets;
using Kestrel.Transport.ZeroTier;
using ZeroTier;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;

namespace Transport.Functional.Tests.Transports;

/// <summary>Our transport between two nodes of one engine. All servers of a run share one node, all clients another.</summary>
public abstract class NodeTransport : FunctionalTransport
{
    /// <summary>An ad-hoc network with addresses of both families.</summary>
    internal static NetworkId IPv4Network { get; } = NetworkId.Parse("ff19000000000001");

    internal override string Name => "ZeroTier";

    internal override bool KeepsAnswersToUnreadInput => true;

    /// <summary>The network that both nodes are on.</summary>
    private protected abstract NetworkId Network { get; }

    /// <summary>Whether Kestrel listens by the server's IPv4 address; else on all addresses, of which the first is called.</summary>
    private protected abstract bool IsIPv4 { get; }

    /// <summary>The node that Kestrel listens on; online.</summary>
    private protected abstract ZeroTierNode Server { get; }

    /// <summary>The node that calls; online.</summary>
    private protected abstract ZeroTierNode Client { get; }

    internal NodeId ClientId => Client.Id;

    internal NetworkId NetworkId => Network;

    internal override void Listen(IWebHostBuilder web, ServerOptions options, Action<ListenOptions> configure)
    {
        web.ConfigureServices(services => services.AddSingleton<INodeFactory>(new SharedNodeFactory(Server)));
        web.UseZeroTier(zt =>
        {
            zt.Networks.Add(Network.ToString());
            zt.Transport.MaxReadBufferSize = options.MaxReadBufferSize;
            zt.Transport.MaxWriteBufferSize = options.MaxWriteBufferSize;
            if (IsIPv4)
            {
                zt.Listen(Network, IPv4Address, 0, configure);
            }
            else
            {
                zt.Listen(0, configure);
            }
        });
    }

    internal override async Task<RawConnection> ConnectAsync(IPEndPoint server, CancellationToken cancellationToken)
    {
        Assert.Equal(IsIPv4, server.AddressFamily == AddressFamily.InterNetwork);
        return new Connection(
            await Client.ConnectAsync(new ZeroTierEndPoint(Network, server.Address, server.Port), cancellationToken: cancellationToken));
    }

    internal override HttpMessageHandler CreateHandler(Action<SocketsHttpHandler>? configure)
    {
        var handler = new ZeroTierHttpHandler(Client);
        configure?.Invoke(handler.SocketsHandler);
        return handler;
    }

    private IPAddress IPv4Address =>
        Server.Networks.Single(n => n.Id == Network).Addresses.Select(a => a.Address)
            .Single(a => a.AddressFamily == AddressFamily.InterNetwork);

    private sealed class SharedNodeFactory(ZeroTierNode node) : INodeFactory
    {
        public ValueTask<NodeLease> CreateAsync(ZeroTierNodeOptions options, CancellationToken cancellationToken) =>
            new(new NodeLease(new SharedNode(node)));
    }

    private sealed class Connection(ZeroTierConnection connection) : RawConnection(new ZeroTierConnectionStream(connection))
    {
        public override IPEndPoint LocalEndPoint => connection.LocalEndPoint;

        public override void CloseSending() => connection.Output.Complete();

        public override void Reset() => connection.Abort();

        protected override bool IsReset(Exception exception) => exception is ZeroTierException { Error: ZeroTierError.ConnectionReset };
    }
}
