using System.Net;
using Microsoft.AspNetCore.Connections;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>
/// Opens raw outgoing connections to a <see cref="ZeroTierEndPoint"/>, an <see cref="IPEndPoint"/> on a joined network, or a host name.
/// </summary>
internal sealed class ConnectionFactory(NodeHost node, ClientConnections client) : IConnectionFactory
{
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        var connection = await OpenAsync(endpoint, cancellationToken).ConfigureAwait(false);
        var context = new TransportConnection(connection, node, client.Options.MemoryPool, client.Logger);
        context.Start();
        return context;
    }

    private ValueTask<ZeroTierConnection> OpenAsync(EndPoint endPoint, CancellationToken cancellationToken) => endPoint switch
    {
        ZeroTierEndPoint { Address: not null } ours => node.ConnectAsync(ours, client.Options, cancellationToken),
        IPEndPoint ip =>
            OpenAsync((ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address).ToString(), ip.Port, cancellationToken),
        NameEndPoint own => OpenAsync(own.Host, own.Port, cancellationToken),
        DnsEndPoint name => OpenAsync(name.Host, name.Port, cancellationToken),
        _ => throw new ZeroTierException(
            ZeroTierError.AddressNotAvailable,
            $"'{endPoint}' does not say which node to call. Use an address of the network and a port, for example 10.147.17.5:8080."),
    };

    private ValueTask<ZeroTierConnection> OpenAsync(string host, int port, CancellationToken cancellationToken) =>
        node.ConnectAsync(host, port, client.Options, cancellationToken);
}
