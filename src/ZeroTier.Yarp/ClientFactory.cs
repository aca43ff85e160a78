using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;
using ZeroTier.Hosting.Connections;

namespace ZeroTier.Yarp;

/// <summary>Creates the HTTP clients of clusters, for requests and health probes.</summary>
internal sealed class ClientFactory(
    ZeroTierNode node,
    ClientConnections connections,
    ILogger<ForwarderHttpClientFactory> logger,
    Action<ForwarderHttpClientContext, SocketsHttpHandler> configure)
    : ForwarderHttpClientFactory(logger)
{
    protected override bool CanReuseOldClient(ForwarderHttpClientContext context) =>
        base.CanReuseOldClient(context) && ClusterChoice.Of(context.OldMetadata) == ClusterChoice.Of(context.NewMetadata);

    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);

        // Not overwritten when the cluster's configuration accepts any certificate.
        handler.SslOptions.RemoteCertificateValidationCallback ??= node.ValidateServerCertificate;
        configure(context, handler);
        switch (ClusterChoice.Of(context.NewMetadata))
        {
            case true:
                // A request for the private network must never be sent through a proxy of the host.
                handler.UseProxy = false;
                handler.ConnectCallback = connections.ConnectAsync;
                break;
            case null:
                handler.ConnectCallback = ConnectByHostAsync;
                break;
        }
    }

    private ValueTask<Stream> ConnectByHostAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        ZeroTierName.BelongsTo(node, context.DnsEndPoint.Host)
            ? connections.ConnectAsync(context, cancellationToken)
            : ConnectSocketAsync(context.DnsEndPoint, cancellationToken);

    // The same as SocketsHttpHandler without a ConnectCallback.
    private static async ValueTask<Stream> ConnectSocketAsync(DnsEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
