using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace ZeroTier.Managed.IpStack;

/// <summary>Sends ICMP echo requests and matches the replies (ping). Thread-safe.</summary>
internal sealed class EchoClient : IDisposable
{
    internal const int MaxPending = 1024;
    private const int HeaderLength = 8;
    private const int CookieLength = 8;
    private const int MaxMessage = 65535 - IpHeader.IPv4Length;

    private readonly IpOutput _output;
    private readonly TimeProvider _time;
    private readonly RandomSource _random;
    private readonly PipeScheduler _scheduler;
    private readonly ConcurrentDictionary<ushort, Request> _pending = new();
    private readonly ushort _identifier;
    private int _sequence;

    public EchoClient(IpStackOptions options, IpOutput output)
    {
        _output = output;
        _time = options.TimeProvider;
        _random = options.Random;
        _scheduler = options.Completions;
        _identifier = (ushort)_random.NextUInt64();
    }

    public async Task<TimeSpan> PingAsync(IpAddress destination, int payloadSize, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadSize);
        cancellationToken.ThrowIfCancellationRequested();
        if (payloadSize > MaxMessage - HeaderLength)
        {
            throw new SocketException((int)SocketError.MessageSize);
        }

        var local = _output.Interface.SelectSource(destination) ?? throw new SocketException((int)SocketError.NetworkUnreachable);
        var request = new Request(this, destination, payloadSize, _random.NextUInt64());
        ushort sequence = Register(request);
        try
        {
            using var timer = _time.CreateTimer(
                static state => ((Request)state!).Fail(new TimeoutException("No answer came in time.")),
                request,
                timeout,
                Timeout.InfiniteTimeSpan);
            using var cancellation = cancellationToken.UnsafeRegister(
                static (state, token) => ((Request)state!).Fail(new OperationCanceledException(token)), request);
            request.Sent = _time.GetTimestamp();
            Send(local, destination, sequence, request);
            return await request.Result.Task.ConfigureAwait(false);
        }
        finally
        {
            _pending.TryRemove(sequence, out _);
        }
    }

    public void OnReply(in IpAddress source, ReadOnlySpan<byte> message)
    {
        if (Find(source, message) is { } request
            && message.Length == HeaderLength + request.PayloadSize
            && (request.PayloadSize < CookieLength || BinaryPrimitives.ReadUInt64LittleEndian(message[HeaderLength..]) == request.Cookie))
        {
            request.Complete(_time.GetElapsedTime(request.Sent));
        }
    }

    /// <param name="destination">The destination of our request.</param>
    /// <param name="message">The beginning of our request, at least its ICMP header.</param>
    public void OnUnreachable(in IpAddress destination, ReadOnlySpan<byte> message) =>
        Find(destination, message)?.Fail(new SocketException((int)SocketError.HostUnreachable));

    public void Dispose()
    {
        foreach (var request in _pending.Values)
        {
            request.Fail(new SocketException((int)SocketError.OperationAborted));
        }
    }

    private Request? Find(in IpAddress remote, ReadOnlySpan<byte> message) =>
        BinaryPrimitives.ReadUInt16BigEndian(message[4..]) == _identifier
            && _pending.TryGetValue(BinaryPrimitives.ReadUInt16BigEndian(message[6..]), out var request)
            && request.Destination == remote
            ? request
            : null;

    private ushort Register(Request request)
    {
        for (int i = 0; i < MaxPending && _pending.Count < MaxPending; i++)
        {
            ushort sequence = (ushort)Interlocked.Increment(ref _sequence);
            if (_pending.TryAdd(sequence, request))
            {
                return sequence;
            }
        }

        throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
    }

    private void Send(in IpAddress local, in IpAddress destination, ushort sequence, Request request)
    {
        bool isIPv4 = destination.IsIPv4;
        var protocol = isIPv4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        var batch = _output.BeginBatch();
        var message = batch.Reserve(local, destination, protocol, HeaderLength + request.PayloadSize);
        message.Clear();
        message[0] = isIPv4 ? IcmpV4.EchoRequest : IcmpV6.EchoRequest;
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], _identifier);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], sequence);
        if (request.PayloadSize >= CookieLength)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(message[HeaderLength..], request.Cookie);
        }

        ushort checksum = isIPv4 ? InternetChecksum.Compute(message) : InternetChecksum.Transport(local, destination, protocol, message);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], checksum);
        batch.Commit();
        batch.Send();
    }

    private sealed class Request(EchoClient owner, IpAddress destination, int payloadSize, ulong cookie)
    {
        private int _ended;

        public IpAddress Destination { get; } = destination;

        public int PayloadSize { get; } = payloadSize;

        public ulong Cookie { get; } = cookie;

        public long Sent { get; set; }

        // No RunContinuationsAsynchronously: the result is set on the scheduler, so continuations run there.
        public TaskCompletionSource<TimeSpan> Result { get; } = new();

        private TimeSpan RoundTrip { get; set; }

        private Exception? Error { get; set; }

        public void Complete(TimeSpan roundTrip)
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                RoundTrip = roundTrip;
                Publish();
            }
        }

        public void Fail(Exception error)
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                Error = error;
                Publish();
            }
        }

        private void Publish() => owner._scheduler.Schedule(
            static state =>
            {
                var request = (Request)state!;
                if (request.Error is OperationCanceledException cancelled)
                {
                    request.Result.SetCanceled(cancelled.CancellationToken);
                }
                else if (request.Error is { } error)
                {
                    request.Result.SetException(error);
                }
                else
                {
                    request.Result.SetResult(request.RoundTrip);
                }
            },
            this);
    }
}
