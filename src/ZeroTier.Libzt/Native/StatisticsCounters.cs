using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

/// <summary><c>zts_stats_counter_t</c>, 144 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StatisticsCounters
{
    internal ProtocolCounters Link;
    internal ProtocolCounters EtherArp;
    internal ProtocolCounters IPv4;
    internal ProtocolCounters IPv6;
    internal ProtocolCounters Icmp4;
    internal ProtocolCounters Icmp6;
    internal ProtocolCounters Udp;
    internal ProtocolCounters Tcp;
    internal ProtocolCounters NeighborDiscovery;
}

/// <summary>Packet counters of one protocol over all networks; 32 bits, wrapping.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ProtocolCounters
{
    internal uint Sent;
    internal uint Received;
    internal uint Dropped;
    internal uint Errors;
}
