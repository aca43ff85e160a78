using System.Runtime.InteropServices;
using ZeroTier.Libzt.Native;
using ZeroTier.Libzt.Sockets;

namespace ZeroTier.Libzt.Node;

/// <summary>
/// Counters of libzt's IP stack since the start of a session. libzt's own continue across a stop and wrap at 32 bits; these start at zero
/// and do not wrap, provided that they are read at least once every four billion packets. Thread-safe.
/// </summary>
internal sealed class StackStatistics
{
    private const int PerProtocol = 4;
    private const int Sent = 0;
    private const int Received = 1;
    private const int Dropped = 2;
    private const int Errors = 3;
    private const int Tcp = 7;

    // In the order of the fields of StatisticsCounters.
    private static readonly string[] _protocols = ["link", "arp", "ip4", "ip6", "icmp4", "icmp6", "udp", "tcp", "nd6"];

    private readonly Lock _lock = new();
    private readonly Func<StatisticsCounters?> _read;
    private readonly uint[] _last = new uint[_protocols.Length * PerProtocol];
    private readonly long[] _total = new long[_protocols.Length * PerProtocol];
    private readonly bool _isBuiltIn;

    /// <param name="read">Reads libzt's counters; returns null when it was built without statistics.</param>
    internal StackStatistics(Func<StatisticsCounters?> read)
    {
        _read = read;
        if (read() is { } start)
        {
            _isBuiltIn = true;
            Values(start).CopyTo(_last);
        }
    }

    /// <summary>Starts counting now.</summary>
    public static StackStatistics Begin() => new(Read);

    /// <summary>The counts since the start of the session.</summary>
    public ZeroTierStatistics Since(SocketCounters sockets)
    {
        var dropped = new Dictionary<string, long>
        {
            ["libzt.sockets.full"] = sockets.ConnectionsShed,
            ["libzt.datagrams"] = sockets.DatagramsDropped,
        };
        var result = new ZeroTierStatistics
        {
            BytesReceived = sockets.BytesReceived,
            BytesSent = sockets.BytesSent,
            TcpConnections = sockets.OpenConnections,
            Dropped = dropped,
        };
        if (!_isBuiltIn)
        {
            return result;
        }

        lock (_lock)
        {
            Accumulate();
            for (int i = 0; i < _protocols.Length; i++)
            {
                dropped[$"libzt.{_protocols[i]}"] = _total[(i * PerProtocol) + Dropped];
                dropped[$"libzt.{_protocols[i]}.errors"] = _total[(i * PerProtocol) + Errors];
            }

            return result with
            {
                TcpSegmentsReceived = _total[(Tcp * PerProtocol) + Received],
                TcpSegmentsSent = _total[(Tcp * PerProtocol) + Sent],
            };
        }
    }

    private void Accumulate()
    {
        if (_read() is not { } now)
        {
            return;
        }

        var values = Values(now);
        for (int i = 0; i < values.Length; i++)
        {
            _total[i] += unchecked(values[i] - _last[i]);
        }

        values.CopyTo(_last);
    }

    private static ReadOnlySpan<uint> Values(in StatisticsCounters counters) =>
        MemoryMarshal.Cast<StatisticsCounters, uint>(new ReadOnlySpan<StatisticsCounters>(in counters));

    private static unsafe StatisticsCounters? Read()
    {
        StatisticsCounters counters;
        return Zts.StatsGetAll(&counters) == Zts.Ok ? counters : null;
    }
}
