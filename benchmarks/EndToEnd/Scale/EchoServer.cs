using System.Buffers;
using ZeroTier;

namespace EndToEnd.Scale;

/// <summary>Echoes what it receives, on several ports of a network: a client has 32,768 ports for each of them.</summary>
internal static class EchoServer
{
    private const int FirstPort = 8080;
    private const int Ports = 8;

    /// <summary>Listens until the node is stopped.</summary>
    public static async Task StartAsync(ZeroTierNode node, NetworkId network)
    {
        for (int port = FirstPort; port < FirstPort + Ports; port++)
        {
            _ = AcceptAsync(await node.ListenAsync(new ZeroTierEndPoint(network, port)));
        }
    }

    /// <summary>The endpoint for the n-th connection to a server.</summary>
    public static ZeroTierEndPoint EndPoint(NodeId server, NetworkId network, int connection) =>
        new(network, network.GetSixPlaneAddress(server), FirstPort + (connection % Ports));

    private static async Task AcceptAsync(IZeroTierListener listener)
    {
        while (await listener.AcceptAsync() is { } connection)
        {
            _ = EchoAsync(connection);
        }
    }

    private static async Task EchoAsync(ZeroTierConnection connection)
    {
        await using (connection)
        {
            try
            {
                while (await connection.Input.ReadAsync() is { IsCompleted: false } read)
                {
                    foreach (var part in read.Buffer)
                    {
                        connection.Output.Write(part.Span);
                    }

                    connection.Input.AdvanceTo(read.Buffer.End);
                    await connection.Output.FlushAsync();
                }
            }
            catch (ZeroTierException)
            {
                // The client's node has stopped.
            }
        }
    }
}
