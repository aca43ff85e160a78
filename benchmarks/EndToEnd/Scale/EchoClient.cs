using System.Buffers;
using ZeroTier;

namespace EndToEnd.Scale;

/// <summary>Connections of one node to the <see cref="EchoServer"/> of another.</summary>
internal sealed class EchoClient(ZeroTierNode node, NodeId server, NetworkId network)
{
    private const int OpenedAtOnce = 64;
    private const int RequestBytes = 64;
    private static readonly byte[] _request = new byte[RequestBytes];
    private readonly List<ZeroTierConnection> _connections = [];

    public IReadOnlyList<ZeroTierConnection> Connections => _connections;

    /// <summary>Opens further connections, each with one request, until there are so many.</summary>
    public async Task OpenAsync(int count)
    {
        int next = _connections.Count;
        _connections.AddRange(new ZeroTierConnection[count - next]);
        await Task.WhenAll(Enumerable.Range(0, OpenedAtOnce).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) - 1 is var index && index < count)
            {
                var connection = await node.ConnectAsync(EchoServer.EndPoint(server, network, index));
                _connections[index] = connection;
                await RequestAsync(connection);
            }
        })));
    }

    /// <summary>Sends a small request and waits for the whole answer.</summary>
    public static async Task RequestAsync(ZeroTierConnection connection)
    {
        await connection.Output.WriteAsync(_request);
        var read = await connection.Input.ReadAtLeastAsync(RequestBytes);
        if (read.Buffer.Length < RequestBytes)
        {
            throw new InvalidOperationException("The server has closed the connection.");
        }

        connection.Input.AdvanceTo(read.Buffer.End);
    }
}
