using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams.TcpRelay;

/// <summary>
/// The transport of a node that can fall back to a TCP relay (docs/protocol/2-vl1.md 2.22): after <see cref="Engage"/>, datagrams to IPv4
/// addresses that the relay can reach may be sent through it as well. UDP stays in use all the time.
/// </summary>
/// <param name="inner">The UDP transport.</param>
/// <param name="relay">The relay.</param>
/// <param name="reaches">Whether the relay can reach an IPv4 address.</param>
/// <param name="connect">Opens a connection to the relay.</param>
/// <param name="time">Clock and timers.</param>
/// <param name="log">The logger, which must not throw.</param>
internal sealed class RelayClientTransport(
    IDatagramTransport inner,
    IPEndPoint relay,
    Func<InetEndPoint, bool> reaches,
    Func<IPEndPoint, CancellationToken, Task<Stream>> connect,
    TimeProvider time,
    ILogger log) : ExtraSocketTransport(inner, log)
{
    // A relay drops shorter datagrams (2.22).
    private const int MinDatagram = 16;

    private static readonly TimeSpan s_connectPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    // A root answers every few seconds. Without this timeout, a connection whose other end has silently gone would be used for minutes.
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(60);
    private readonly Lock _lock = new();
    private CancellationTokenSource? _engaged;
    private Task _carrying = Task.CompletedTask;
    private volatile RelayConnection? _connection;
    private bool _disposed;

    /// <summary>Whether the connection to the relay is open.</summary>
    public bool IsCarrying => IsOpen;

    /// <summary>Opens the connection, and reopens it whenever it fails, until <see cref="Release"/>.</summary>
    public void Engage()
    {
        lock (_lock)
        {
            if (!_disposed && _engaged is null && _carrying.IsCompleted)
            {
                _engaged = new CancellationTokenSource();
                _carrying = CarryAsync(_engaged.Token);
            }
        }
    }

    /// <summary>Closes the connection.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (_engaged is { } engaged)
            {
                _engaged = null;
                engaged.Cancel();
                engaged.Dispose();
            }
        }
    }

    /// <summary>Opens a TCP connection.</summary>
    public static async Task<Stream> ConnectAsync(IPEndPoint relay, CancellationToken cancellationToken)
    {
        var socket = new Socket(relay.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(relay, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    protected override void StartExtra()
    {
    }

    protected override void SendExtra(in InetEndPoint destination, ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length >= MinDatagram && destination.Family == AddressFamily.InterNetwork && reaches(destination))
        {
            _connection?.TrySend(destination, datagram);
        }
    }

    protected override async ValueTask DisposeExtraAsync()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        Release();
        await _carrying.ConfigureAwait(false);
    }

    private async Task CarryAsync(CancellationToken released)
    {
        // Yields first, because the caller may hold locks.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

        // Each event is logged once per engagement, since a relay may fail again every few seconds.
        var (engaged, closed, failed) = (false, false, false);
        while (!released.IsCancellationRequested)
        {
            try
            {
                using var connection = new RelayConnection(await ConnectAsync(released).ConfigureAwait(false));
                if (!engaged)
                {
                    engaged = true;
                    UdpLog.RelayEngaged(Log, relay);
                }

                await CarryAsync(connection, released).ConfigureAwait(false);
                if (!closed)
                {
                    closed = true;
                    UdpLog.RelayClosed(Log, relay);
                }
            }
            catch (OperationCanceledException) when (released.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is IOException or SocketException or InvalidDataException or OperationCanceledException)
            {
                if (!failed)
                {
                    failed = true;
                    UdpLog.RelayFailed(Log, relay, e is OperationCanceledException ? "it does not answer" : e.Message, s_pause);
                }
            }

            await Task.Delay(s_pause, time, released).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (engaged)
        {
            UdpLog.RelayReleased(Log, relay);
        }
    }

    private async Task<Stream> ConnectAsync(CancellationToken released)
    {
        using var patience = new CancellationTokenSource(s_connectPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(released, patience.Token);
        return await connect(relay, either.Token).ConfigureAwait(false);
    }

    private async Task CarryAsync(RelayConnection connection, CancellationToken released)
    {
        connection.SendRecord(RelayFrame.Hello);
        _connection = connection;
        IsOpen = true;
        try
        {
            using var silence = new CancellationTokenSource(s_silence, time);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(released, silence.Token);
            await connection.RunAsync(
                body =>
                {
                    silence.CancelAfter(s_silence);
                    OnBody(body);
                },
                EndBatch,
                ended.Token).ConfigureAwait(false);
        }
        finally
        {
            IsOpen = false;
            _connection = null;
        }
    }

    private void OnBody(Span<byte> body)
    {
        if (RelayFrame.TryRead(body, out var source, out var datagram))
        {
            Deliver(source, datagram);
        }
    }
}
