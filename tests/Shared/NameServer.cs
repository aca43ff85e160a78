using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;

namespace ZeroTier.Tests;

/// <summary>A member of a network that answers questions for names, by UDP and TCP.</summary>
internal sealed class NameServer : IAsyncDisposable
{
    private const int Port = 53;

    private readonly IZeroTierDatagramSocket _socket;
    private readonly IZeroTierListener _listener;

    private NameServer(IZeroTierDatagramSocket socket, IZeroTierListener listener)
    {
        _socket = socket;
        _listener = listener;
    }

    /// <summary>What is sent for a question, one message after the other; none for silence. TCP sends the last one.</summary>
    public Func<DnsAsk, IReadOnlyList<DnsAnswer>> Answers { get; set; } = _ => [];

    /// <summary>What was asked, in order.</summary>
    public ConcurrentQueue<DnsAsk> Asked { get; } = [];

    public static async Task<NameServer> StartAsync(ZeroTierNode node, NetworkId network, ZeroTierConnectionOptions options)
    {
        var server = new NameServer(
            await node.BindDatagramAsync(new ZeroTierEndPoint(network, Port)),
            await node.ListenAsync(new ZeroTierEndPoint(network, Port), options));
        _ = server.ServeDatagramsAsync();
        _ = server.ServeConnectionsAsync();
        return server;
    }

    public async Task SendAsync(DnsAnswer answer, IPEndPoint to) => await _socket.SendToAsync(answer.ToArray(), to);

    public async ValueTask DisposeAsync()
    {
        await _socket.DisposeAsync();
        await _listener.DisposeAsync();
    }

    private async Task ServeDatagramsAsync()
    {
        byte[] buffer = new byte[512];
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveFromAsync(buffer);
                var ask = DnsAsk.Read(buffer.AsSpan(0, received.Length), isTcp: false, received.RemoteEndPoint);
                Asked.Enqueue(ask);
                foreach (var answer in Answers(ask))
                {
                    await _socket.SendToAsync(answer.ToArray(), received.RemoteEndPoint);
                }
            }
        }
        catch (ZeroTierException)
        {
            // Closed.
        }
    }

    private async Task ServeConnectionsAsync()
    {
        while (await _listener.AcceptAsync() is { } connection)
        {
            _ = AnswerAsync(connection);
        }
    }

    private async Task AnswerAsync(ZeroTierConnection connection)
    {
        await using (connection)
        {
            var read = await connection.Input.ReadAtLeastAsync(2 + 12 + 5);
            var ask = DnsAsk.Read(read.Buffer.Slice(2).FirstSpan, isTcp: true, connection.RemoteEndPoint);
            Asked.Enqueue(ask);
            byte[] answer = Answers(ask)[^1].ToArray();
            byte[] length = new byte[2];
            BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
            connection.Input.AdvanceTo(read.Buffer.End);
            await connection.Output.WriteAsync((byte[])[.. length, .. answer]);
            await connection.Output.CompleteAsync();
        }
    }
}
