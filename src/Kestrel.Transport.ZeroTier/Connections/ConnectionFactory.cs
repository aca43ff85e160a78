using System.Net;
using Microsoft.AspNetCore.Connections;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>Raw outgoing connections: for <see cref="ZeroTierEndPoint"/>, for an <see cref="IPEndPoint"/> on a joined network, and for a node's name.</summary>
internal sealed class ConnectionFactory(NodeHost node, TransportResources resources) : IConnectionFactory
{
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        await node.EnsureStartedAsync(cancellationToken).ConfigureAwait(false);
        var connection = await node.ConnectAsync(Resolve(endpoint), resources.Client, cancellationToken).ConfigureAwait(false);
        var context = new TransportConnection(connection, resources.Client.MemoryPool, resources.ClientLogger);
        context.Start();
        return context;
    }

    private ZeroTierEndPoint Resolve(EndPoint endPoint) => endPoint switch
    {
        ZeroTierEndPoint { Address: not null } ours => ours,
        IPEndPoint ip => ZeroTierName.Resolve(node, (ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address).ToString(), ip.Port),
        NameEndPoint own => ZeroTierName.Resolve(node, own.Host, own.Port),
        DnsEndPoint name => ZeroTierName.Resolve(node, name.Host, name.Port),
        _ => throw new ZeroTierException(
            ZeroTierError.AddressNotAvailable,
            $"'{endPoint}' does not say which node to call. Use an address of the network and a port, for example 10.147.17.5:8080."),
    };
}
