using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>
/// One life of a small universe with everything against it: loss, reordering, duplication, corruption, partitions that heal, restarts of
/// nodes and of the root. Meanwhile members exchange streams. Everything follows from the seed.
/// </summary>
/// <remarks>
/// A client sends a length and so many bytes; the server answers with as many of its own; the client, once it has them all, ends its side.
/// So an end of stream at the server proves that the client has everything. Every byte is compared with what the seed says it must be.
/// </remarks>
internal sealed class ChaosScenario
{
    private const int Port = 80;
    private const int MemberCount = 3;
    private const int MaxStreamBytes = 60_000;
    private readonly ulong _seed;
    private readonly SeededRandom _random;
    private readonly SimulatedWorld _world;
    private readonly List<Exchange> _exchanges = [];
    private readonly StringBuilder _log = new();

    private ChaosScenario(ulong seed)
    {
        _seed = seed;
        _random = new SeededRandom(seed);
        _world = new SimulatedWorld(seed, MemberCount);
    }

    /// <summary>What came out: equal for equal seeds.</summary>
    /// <param name="Hash">Of every datagram's time, addresses, bytes and fate.</param>
    /// <param name="Log">Outcomes and counters, for a person.</param>
    /// <param name="Completed">Exchanges that both ends completed.</param>
    /// <param name="Failed">Exchanges that ended with errors.</param>
    public sealed record Result(ulong Hash, string Log, int Completed, int Failed);

    public static Result Run(ulong seed) => new ChaosScenario(seed).Run();

    private Result Run()
    {
        _world.Run(_world.StartAsync);
        for (int i = 0; i < MemberCount; i++)
        {
            _ = ServeAsync(i);
        }

        _world.Physical.DefaultLink = new VirtualLink
        {
            Delay = TimeSpan.FromMilliseconds(1 + _random.Next(60)),
            Jitter = TimeSpan.FromMilliseconds(_random.Next(20)),
            Loss = _random.Next(4) == 0 ? 0 : _random.NextDouble() * 0.3,
            Reorder = _random.NextDouble() * 0.2,
            ReorderDelay = TimeSpan.FromMilliseconds(1 + _random.Next(100)),
            Duplicate = _random.NextDouble() * 0.05,
            Corrupt = _random.NextDouble() * 0.03,
        };
        int count = 2 + _random.Next(4);
        for (int i = 0; i < count; i++)
        {
            int client = _random.Next(MemberCount);
            int server = (client + 1 + _random.Next(MemberCount - 1)) % MemberCount;
            var exchange = new Exchange(i, client, server, 1 + _random.Next(MaxStreamBytes));
            _exchanges.Add(exchange);
            _world.Clock.Schedule(TimeSpan.FromMilliseconds(_random.Next(5000)), () => exchange.Client = CallAsync(exchange));
        }

        ScheduleTrouble();

        // Longer than every timeout of TCP, whatever happened: by then each end knows.
        bool ended = _world.Clock.RunUntil(() => _exchanges.TrueForAll(e => e.IsOver), TimeSpan.FromMinutes(20));
        foreach (var exchange in _exchanges)
        {
            _log.AppendLine(CultureInfo.InvariantCulture, $"{exchange}");
        }

        _log.AppendLine(
            CultureInfo.InvariantCulture,
            $"at {_world.Clock.Elapsed}, {_world.Physical.Count(DatagramFate.Delivered)} datagrams delivered, "
            + $"{_world.Physical.Count(DatagramFate.Lost)} lost");
        Assert.True(ended, $"Seed {_seed}: an exchange hangs.\n{_log}");
        _world.Stop();
        Assert.All(_exchanges, exchange => exchange.Check(_seed, _log.ToString()));
        Assert.All(_world.Hosts, host => Assert.Equal(0, host.OpenSockets));

        // Timers that a node left behind would fire, or be there still.
        _world.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, _world.Clock.PendingEvents);
        return new Result(
            _world.Physical.LogHash,
            _log.ToString(),
            _exchanges.Count(e => e.Outcome == "ok" && e.ServerOutcome == "ok"),
            _exchanges.Count(e => e.Outcome != "ok"));
    }

    private void ScheduleTrouble()
    {
        if (_random.Next(3) == 0)
        {
            int alone = _random.Next(MemberCount) + 1;
            var duration = TimeSpan.FromMilliseconds(500 + _random.Next(20_000));
            _world.Clock.Schedule(TimeSpan.FromMilliseconds(_random.Next(8000)), () => _world.Physical.PartitionFor(
                duration, [_world.Hosts[alone]], [.. _world.Hosts.Where(h => h != _world.Hosts[alone])]));
        }

        if (_random.Next(4) == 0)
        {
            int member = _random.Next(MemberCount);
            _world.Clock.Schedule(TimeSpan.FromMilliseconds(_random.Next(8000)), () => _ = RestartAsync(_world.Members[member], member));
        }

        if (_random.Next(4) == 0)
        {
            _world.Clock.Schedule(TimeSpan.FromMilliseconds(_random.Next(8000)), () => _ = RestartAsync(_world.Root, null));
        }
    }

    private async Task RestartAsync(ManagedNode node, int? member)
    {
        await node.StopAsync();
        await _world.Delay(TimeSpan.FromMilliseconds(1 + (member ?? 1) * 400));
        await node.StartAsync();
        if (member is { } index)
        {
            await ServeAsync(index);
        }
    }

    private async Task ServeAsync(int member)
    {
        await using var listener = await _world.Members[member].ListenAsync(
            new ZeroTierEndPoint(SimulatedWorld.Network, Port), SimulatedWorld.InlineTransport);
        while (await listener.AcceptAsync() is { } connection)
        {
            _ = AnswerAsync(connection);
        }
    }

    private async Task CallAsync(Exchange exchange)
    {
        ZeroTierConnection? connection = null;
        try
        {
            connection = await _world.Members[exchange.ClientMember].ConnectAsync(
                _world.EndPointOf(exchange.ServerMember, Port), SimulatedWorld.InlineTransport);
            byte[] header = new byte[8];
            BinaryPrimitives.WriteInt32BigEndian(header, exchange.Number);
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), exchange.Length);
            await connection.Output.WriteAsync(header);
            var sending = SendAsync(connection.Output, exchange.Number, exchange.Length);
            await ReceiveAsync(connection.Input, ~exchange.Number, exchange.Length);
            await sending;
            await connection.Output.CompleteAsync();
            exchange.Outcome = "ok";
        }
        catch (ZeroTierException e)
        {
            exchange.Outcome = e.Error.ToString();
            connection?.Abort(e);
        }
        catch (Exception e)
        {
            exchange.Outcome = e.ToString();
            connection?.Abort();
        }
        finally
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }
    }

    private async Task AnswerAsync(ZeroTierConnection connection)
    {
        Exchange? exchange = null;
        try
        {
            var head = await connection.Input.ReadAtLeastAsync(8);
            if (head.Buffer.Length < 8)
            {
                connection.Input.AdvanceTo(head.Buffer.End);
                return;
            }

            exchange = ReadHeader(head);
            exchange.ServerOutcome = "working";
            connection.Input.AdvanceTo(head.Buffer.GetPosition(8));
            await ReceiveAsync(connection.Input, exchange.Number, exchange.Length);
            await SendAsync(connection.Output, ~exchange.Number, exchange.Length);
            var end = await connection.Input.ReadAsync();
            if (end.Buffer.Length != 0)
            {
                throw new InvalidDataException("Bytes after the end.");
            }

            await connection.Output.CompleteAsync();
            exchange.ServerOutcome = "ok";
        }
        catch (ZeroTierException e)
        {
            if (exchange is not null)
            {
                exchange.ServerOutcome = e.Error.ToString();
            }
        }
        catch (Exception e)
        {
            if (exchange is not null)
            {
                exchange.ServerOutcome = e.ToString();
            }
        }
        finally
        {
            await connection.DisposeAsync();
        }
    }

    private Exchange ReadHeader(ReadResult head)
    {
        Span<byte> header = stackalloc byte[8];
        System.Buffers.BuffersExtensions.CopyTo(head.Buffer.Slice(0, 8), header);
        var exchange = _exchanges[BinaryPrimitives.ReadInt32BigEndian(header)];
        return exchange.Length == BinaryPrimitives.ReadInt32BigEndian(header[4..])
            ? exchange
            : throw new InvalidDataException("The header is wrong.");
    }

    private async Task SendAsync(PipeWriter writer, int stream, int length)
    {
        for (int sent = 0; sent < length;)
        {
            int n = Math.Min(length - sent, 3000);
            Fill(writer.GetMemory(n).Span[..n], stream, sent);
            writer.Advance(n);
            sent += n;
            if ((await writer.FlushAsync()).IsCompleted)
            {
                return;
            }
        }
    }

    private static async Task ReceiveAsync(PipeReader reader, int stream, int length)
    {
        byte[] expected = new byte[4096];
        for (int received = 0; received < length;)
        {
            var result = await reader.ReadAsync();
            foreach (var segment in result.Buffer)
            {
                for (int at = 0; at < segment.Length && received < length;)
                {
                    int n = Math.Min(Math.Min(expected.Length, segment.Length - at), length - received);
                    Fill(expected.AsSpan(0, n), stream, received);
                    if (!segment.Span.Slice(at, n).SequenceEqual(expected.AsSpan(0, n)))
                    {
                        throw new InvalidDataException($"Stream {stream}: wrong bytes at {received}.");
                    }

                    at += n;
                    received += n;
                }
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted && received < length)
            {
                throw new InvalidDataException($"Stream {stream}: silently short, {received} of {length} bytes.");
            }
        }
    }

    /// <summary>The bytes of a stream from a position on: any part can be made without the parts before.</summary>
    private static void Fill(Span<byte> bytes, int stream, int position)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            uint x = (uint)((position + i) * 0x9E3779B1) ^ (uint)(stream * 0x85EBCA6B);
            x ^= x >> 15;
            bytes[i] = (byte)((x * 0x2C1B3C6D) >> 24);
        }
    }

    private sealed class Exchange(int number, int client, int server, int length)
    {
        public int Number => number;

        public int ClientMember => client;

        public int ServerMember => server;

        public int Length => length;

        public Task? Client { get; set; }

        public string? Outcome { get; set; }

        public string? ServerOutcome { get; set; }

        public bool IsOver => Client is { IsCompleted: true } && ServerOutcome != "working";

        public void Check(ulong seed, string log)
        {
            Assert.True(Client!.IsCompletedSuccessfully, $"Seed {seed}: {Client.Exception}\n{log}");
            Assert.True(Outcome == "ok" || Enum.TryParse<ZeroTierError>(Outcome, out _), $"Seed {seed}: {Outcome}\n{log}");
            Assert.True(
                ServerOutcome is null or "ok" || Enum.TryParse<ZeroTierError>(ServerOutcome, out _),
                $"Seed {seed}: {ServerOutcome}\n{log}");

            // The end of the client's stream means that the client had everything.
            Assert.True(ServerOutcome != "ok" || Outcome == "ok", $"Seed {seed}: the server believes in a success that was none.\n{log}");
        }

        public override string ToString() =>
            $"{number}: {client} -> {server}, {length} bytes: client {Outcome}, server {ServerOutcome ?? "none"}";
    }
}
