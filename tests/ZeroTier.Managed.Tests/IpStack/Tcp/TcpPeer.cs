using ZeroTier.Managed.IpStack;
using ZeroTier.Managed.IpStack.Tcp;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>A peer without a mind of its own: the test writes its segments and reads what the stack under test answers.</summary>
internal sealed class TcpPeer : IDisposable
{
    public const ushort Port = 40000;
    private readonly Queue<(TcpSegment Header, byte[] Payload)> _received = new();

    public TcpPeer(TcpLayerOptions? options = null)
    {
        Link = new TcpLink(Clock, 1);
        Link.Conditions.Delay = TimeSpan.Zero;
        Host = new TcpHost(Link, 1, options);
        Link.Filter = packet =>
        {
            Assert.Equal(0, InternetChecksum.Transport(packet.Source, packet.Destination, IpProtocol.Tcp, packet.Bytes));
            Assert.True(TcpSegment.TryParse(packet.Bytes, out TcpSegment header));
            _received.Enqueue((header, packet.Bytes[header.HeaderBytes..]));
            return false;
        };
    }

    public VirtualClock Clock { get; } = new();

    public TcpLink Link { get; }

    public TcpHost Host { get; }

    public IpAddress Address { get; } = IpAddress.FromIPv4(0x0a000063);

    public MacAddress Mac { get; set; } = new(0x0200_0000_0063);

    /// <summary>The stack's sequence number after its SYN.</summary>
    public uint TheirNext { get; private set; }

    /// <summary>Ours after our SYN.</summary>
    public uint OurNext { get; } = 1001;

    public TcpSocket Socket { get; private set; } = null!;

    public TcpStatistics Statistics => Host.Layer.Statistics;

    public OutgoingSegment Segment(
        TcpFlags flags, uint sequence, uint acknowledgement = 0, ushort window = 65535, string? payload = null, ushort port = Port) => new()
        {
            SourcePort = port,
            DestinationPort = 80,
            Flags = flags,
            Sequence = sequence,
            Acknowledgement = acknowledgement,
            Window = window,
            WindowScale = -1,
            First = payload is null ? default : System.Text.Encoding.ASCII.GetBytes(payload),
        };

    public void Send(in OutgoingSegment segment)
    {
        Post(segment);
        Host.Layer.EndOfBatch();
    }

    /// <summary>Sends a segment that is not the last one of its batch.</summary>
    public void Post(in OutgoingSegment segment)
    {
        byte[] bytes = new byte[segment.Length];
        segment.Write(Address, Host.Address, bytes);
        Host.Layer.OnSegment(Address, Host.Address, Mac, bytes);
    }

    public void Send(TcpFlags flags, uint sequence, uint acknowledgement = 0, ushort window = 65535, string? payload = null) =>
        Send(Segment(flags, sequence, acknowledgement, window, payload));

    /// <summary>The next segment that the stack has sent.</summary>
    public TcpSegment Expect(TcpFlags flags)
    {
        Assert.True(_received.Count > 0, $"Nothing was sent, {flags} was expected.");
        TcpSegment header = _received.Dequeue().Header;
        Assert.Equal(flags, header.Flags & ~TcpFlags.Psh);
        return header;
    }

    public void ExpectNothing() => Assert.Empty(_received);

    public void Forget() => _received.Clear();

    /// <summary>Opens a connection to a listener of the stack.</summary>
    public void Open(
        TcpSocketOptions? options = null,
        ushort window = 65535,
        Func<OutgoingSegment, OutgoingSegment>? syn = null,
        TimeSpan roundTrip = default)
    {
        using TcpListener listener = Host.Layer.Listen(null, 80, new TcpListenOptions { Socket = options ?? TcpPair.Options });
        ValueTask<TcpSocket?> accept = listener.AcceptAsync(CancellationToken.None);
        OutgoingSegment first = Segment(TcpFlags.Syn, OurNext - 1, window: window);
        Send(syn?.Invoke(first) ?? first);
        TcpSegment answer = Expect(TcpFlags.Syn | TcpFlags.Ack);
        Assert.Equal(OurNext, answer.Acknowledgement);
        TheirNext = answer.Sequence + 1;
        OutgoingSegment last = Segment(TcpFlags.Ack, OurNext, TheirNext, window);
        last.HasTimestamps = answer.HasTimestamps;
        last.TimestampValue = 1000;
        Clock.Advance(roundTrip);
        Send(last);
        Assert.True(accept.IsCompletedSuccessfully);
        Socket = accept.Result!;
        ExpectNothing();
    }

    /// <summary>What the application can read now.</summary>
    public string Read()
    {
        if (!Socket.Input.TryRead(out System.IO.Pipelines.ReadResult result))
        {
            return "";
        }

        string text = System.Text.EncodingExtensions.GetString(System.Text.Encoding.ASCII, result.Buffer);
        Socket.Input.AdvanceTo(result.Buffer.End);
        return text;
    }

    /// <summary>The result of a task that must have ended.</summary>
    public static TcpException? ResultOf(Task<TcpException?> task)
    {
        Assert.True(task.IsCompletedSuccessfully, "It has not ended.");
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Writes as the application.</summary>
    public void Write(int count)
    {
        Socket.Output.GetSpan(count)[..count].Fill((byte)'x');
        Socket.Output.Advance(count);
        Assert.True(Socket.Output.FlushAsync(CancellationToken.None).IsCompleted);
    }

    public void Dispose() => Host.Dispose();
}
