using System.Net.WebSockets;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;

namespace Transport.Functional.Tests.Support;

/// <summary>SignalR's own client over the transport under test.</summary>
internal static class HubClient
{
    /// <summary>A connection to the hub at <c>/hub</c>, not started.</summary>
    /// <param name="server">The server.</param>
    /// <param name="transport">The transport.</param>
    /// <param name="type">How the client talks to the hub.</param>
    /// <param name="handler">Opens WebSockets; stays the caller's.</param>
    /// <param name="configure">What else the client is built with.</param>
    public static HubConnection Create(
        FunctionalServer server,
        FunctionalTransport transport,
        HttpTransportType type,
        HttpMessageHandler handler,
        Action<IHubConnectionBuilder>? configure = null)
    {
        var builder = new HubConnectionBuilder().WithUrl(server.Url("/hub"), options =>
        {
            options.Transports = type;

            // One for each attempt: the client disposes what it is given.
            options.HttpMessageHandlerFactory = _ => transport.CreateHandler(null);
            options.WebSocketFactory = async (context, cancellationToken) =>
            {
                var socket = new ClientWebSocket();
                using var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
                await socket.ConnectAsync(context.Uri, invoker, cancellationToken);
                return socket;
            };
        });
        configure?.Invoke(builder);
        return builder.Build();
    }
}
