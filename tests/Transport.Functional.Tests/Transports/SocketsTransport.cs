using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Transport.Functional.Tests.Transports;

/// <summary>Kestrel's own transport over kernel TCP: the yardstick.</summary>
public sealed class SocketsTransport : FunctionalTransport
{
    internal override string Name => "Sockets";

    internal override bool KeepsAnswersToUnreadInput => false;

    internal override void Listen(IWebHostBuilder web, ServerOptions options, Action<ListenOptions> configure)
    {
        web.UseSockets(sockets =>
        {
            sockets.MaxReadBufferSize = options.MaxReadBufferSize;
            sockets.MaxWriteBufferSize = options.MaxWriteBufferSize;
        });
        web.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, configure));
    }

    internal override async Task<RawConnection> ConnectAsync(IPEndPoint server, CancellationToken cancellationToken)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancellationToken);
        return new Connection(socket);
    }

    internal override HttpMessageHandler CreateHandler(Action<SocketsHttpHandler>? configure)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        configure?.Invoke(handler);
        return handler;
    }

    private sealed class Connection(Socket socket) : RawConnection(new NetworkStream(socket, ownsSocket: true))
    {
        public override IPEndPoint LocalEndPoint { get; } = (IPEndPoint)socket.LocalEndPoint!;

        public override void CloseSending() => socket.Shutdown(SocketShutdown.Send);

        public override void Reset()
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            socket.Dispose();
        }

        protected override bool IsReset(Exception exception) =>
            exception is IOException
            {
                InnerException: SocketException
                {
                    SocketErrorCode: SocketError.ConnectionReset
                or SocketError.Shutdown
                }
            };
    }
}
