using System.IO.Pipelines;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Two hosts on a path with one queue for each direction, which the connections between them share. In virtual time.</summary>
internal sealed class SharedPath : IDisposable
{
    private readonly TcpPair _pair = new(seed: 5);
    private int _port = 80;

    public SharedPath(int roundTrip, long bandwidth, long queue, double lossPercent = 0)
    {
        _pair.Link.IsTraced = false;
        _pair.Link.Conditions.Delay = TimeSpan.FromMilliseconds(roundTrip / 2.0);
        _pair.Link.Conditions.Bandwidth = bandwidth;
        _pair.Link.Conditions.QueueLimit = queue;
        _pair.Link.Conditions.Loss = lossPercent / 100;
    }

    public long Sent => _pair.B.Layer.Statistics[TcpCounter.SegmentsSent];

    public long SentAgain => _pair.B.Layer.Statistics[TcpCounter.Retransmissions];

    /// <summary>A download that does not end.</summary>
    public Flow Add(TcpSocketOptions options)
    {
        (TcpSocket client, TcpSocket server) = _pair.Connect(options, options, _port++);
        var flow = new Flow(server);
        _ = WriteAsync(server.Output);
        _ = ReadAsync(client.Input, flow);
        return flow;
    }

    /// <summary>Asks on a connection of its own, every so often, for a few bytes, which come back.</summary>
    /// <returns>Grows by how long each answer took.</returns>
    public IReadOnlyList<TimeSpan> Ask(TcpSocketOptions options, TimeSpan interval)
    {
        (TcpSocket client, TcpSocket server) = _pair.Connect(options, options, _port++);
        var times = new List<TimeSpan>();
        _ = EchoAsync(server);
        _ = AskAsync(client, interval, times);
        return times;
    }

    public void Run(double seconds) => _pair.Clock.Advance(TimeSpan.FromSeconds(seconds));

    public void Dispose() => _pair.Dispose();

    private async Task AskAsync(TcpSocket socket, TimeSpan interval, List<TimeSpan> times)
    {
        while (true)
        {
            TimeSpan start = _pair.Clock.Elapsed;
            await socket.Output.WriteAsync(new byte[200]);
            ReadResult result = await socket.Input.ReadAtLeastAsync(200);
            socket.Input.AdvanceTo(result.Buffer.End);
            times.Add(_pair.Clock.Elapsed - start);
            await Task.Delay(interval, _pair.Clock);
        }
    }

    private static async Task EchoAsync(TcpSocket socket)
    {
        while (true)
        {
            ReadResult result = await socket.Input.ReadAsync();
            foreach (ReadOnlyMemory<byte> memory in result.Buffer)
            {
                await socket.Output.WriteAsync(memory);
            }

            socket.Input.AdvanceTo(result.Buffer.End);
        }
    }

    private static async Task WriteAsync(PipeWriter writer)
    {
        do
        {
            writer.Advance(writer.GetMemory(4096).Length);
        }
        while (!(await writer.FlushAsync()).IsCompleted);
    }

    private static async Task ReadAsync(PipeReader reader, Flow flow)
    {
        while (true)
        {
            ReadResult result = await reader.ReadAsync();
            flow.Received += result.Buffer.Length;
            reader.AdvanceTo(result.Buffer.End);
        }
    }

    internal sealed class Flow(TcpSocket sender)
    {
        public long Received { get; set; }

        public TimeSpan RoundTrip => sender.RoundTripTime;
    }
}
