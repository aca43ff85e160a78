using System.Buffers;
using System.Security.Cryptography;
using ZeroTier;
using ZeroTier.Managed;

namespace EndToEnd.Tests;

/// <summary>A node that receives with several threads, while many others exchange data with it at the same time.</summary>
public sealed class ReceiveThreadsTests(LoopbackUniverse universe) : IClassFixture<LoopbackUniverse>
{
    private const int Clients = 6;
    private const int ConnectionsOfEach = 3;
    private const int Bytes = 3_000_000;
    private const int Port = 7;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_byte_is_lost_or_out_of_place()
    {
        var server = await universe.StartNodeAsync(
            () => UdpDatagramTransport.Open(new UdpDatagramTransportOptions { LoopbackOnly = true, ReceiveThreads = 4 }));
        await using var listener = await server.ListenAsync(new ZeroTierEndPoint(LoopbackUniverse.Network, Port), Cancellation);
        var echoing = EchoAsync(listener);
        var address = (await server.WaitForNetworkAsync(LoopbackUniverse.Network, Cancellation)).Addresses[0].Address;

        var exchanges = new List<Task>();
        for (int i = 0; i < Clients; i++)
        {
            var client = await universe.StartNodeAsync();
            exchanges.AddRange(Enumerable.Range(0, ConnectionsOfEach)
                .Select(_ => ExchangeAsync(client, new ZeroTierEndPoint(LoopbackUniverse.Network, address, Port))));
        }

        await Task.WhenAll(exchanges).WaitAsync(TimeSpan.FromMinutes(2), Cancellation);
        await listener.DisposeAsync();
        await echoing;
    }

    // Sends random bytes, and compares the echo with them.
    private static async Task ExchangeAsync(ManagedNode client, ZeroTierEndPoint server)
    {
        byte[] sent = RandomNumberGenerator.GetBytes(Bytes);
        await using var connection = await client.ConnectAsync(server, cancellationToken: Cancellation);
        var sending = connection.Output.WriteAsync(sent, Cancellation).AsTask();
        byte[] received = new byte[Bytes];
        int count = 0;
        while (count < Bytes)
        {
            var read = await connection.Input.ReadAsync(Cancellation);
            Assert.False(read.IsCompleted && read.Buffer.IsEmpty, $"ended after {count} bytes");
            read.Buffer.CopyTo(received.AsSpan(count));
            count += (int)read.Buffer.Length;
            connection.Input.AdvanceTo(read.Buffer.End);
        }

        await sending;
        Assert.True(sent.AsSpan().SequenceEqual(received));
    }

    private static async Task EchoAsync(IZeroTierListener listener)
    {
        var echoes = new List<Task>();
        while (await listener.AcceptAsync(Cancellation) is { } connection)
        {
            echoes.Add(EchoAsync(connection));
        }

        await Task.WhenAll(echoes);
    }

    private static async Task EchoAsync(ZeroTierConnection connection)
    {
        await using (connection)
        {
            while (await connection.Input.ReadAsync(Cancellation) is { IsCompleted: false } read)
            {
                foreach (var part in read.Buffer)
                {
                    connection.Output.Write(part.Span);
                }

                connection.Input.AdvanceTo(read.Buffer.End);
                await connection.Output.FlushAsync(Cancellation);
            }
        }
    }
}
