using System.Net;
using System.Net.Sockets;
using ZeroTier.Conformance;

namespace ZeroTier.Managed.Tests.Conformance;

/// <summary>The model: the table of streams must hold for what it was taken from.</summary>
public sealed class NetworkStreamTests : StreamConformance
{
    // The dispose shuts the socket down, which the system may report to a read before the close.
    protected override bool DisposeMayLookLikeTheEnd => true;

    protected override async Task<StreamPair> ConnectAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepting = listener.AcceptSocketAsync(Token);
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndpoint, Token);
        return new StreamPair(new NetworkStream(client, ownsSocket: true), new NetworkStream(await accepting, ownsSocket: true));
    }
}
