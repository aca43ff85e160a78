using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ZeroTier.Managed;

/// <summary>Options for <see cref="UdpDatagramTransport.Open(UdpDatagramTransportOptions)"/>.</summary>
public sealed record UdpDatagramTransportOptions
{
    internal static int DefaultReceiveThreads { get; } = Math.Clamp(Environment.ProcessorCount / 2, 1, 8);

    /// <summary>The UDP port on every address, 0 to 65535; 0 takes one that is free on all of them. Default 0.</summary>
    public int Port { get; init; }

    /// <summary>
    /// The addresses to bind, one socket each; an address that cannot be bound is an error. 0.0.0.0 and :: are allowed and cover one family
    /// each. Default: none, which means every address of this machine that other machines can reach, following later changes. Takes
    /// precedence over <see cref="LoopbackOnly"/>.
    /// </summary>
    public IReadOnlyList<IPAddress> BindAddresses { get; init; } = [];

    /// <summary>Binds only 127.0.0.1 and, if the system supports IPv6, ::1. Default false.</summary>
    public bool LoopbackOnly { get; init; }

    /// <summary>
    /// Prefixes of the names of network interfaces whose addresses are not bound, such as <c>docker</c>; case-insensitive, without effect
    /// on <see cref="BindAddresses"/>. Interfaces whose name begins with <c>lo</c>, <c>zt</c>, <c>tun</c> or <c>tap</c> are never bound.
    /// Default: none.
    /// </summary>
    public IReadOnlyList<string> BlockedInterfaces { get; init; } = [];

    /// <summary>Networks whose addresses are not bound; without effect on <see cref="BindAddresses"/>. Default: none.</summary>
    public IReadOnlyList<IPNetwork> BlockedNetworks { get; init; } = [];

    /// <summary>
    /// Requested size of each socket's receive buffer in bytes, 64 KiB to 1 GiB; the system may grant less. Default 16 MiB, which suffices
    /// for the windows of several connections while the receive thread waits for a processor. Memory is used only for queued datagrams.
    /// </summary>
    public int ReceiveBufferBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Requested size of each socket's send buffer in bytes, 64 KiB to 1 GiB; the system may grant less. Default 4 MiB.</summary>
    public int SendBufferBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Receive threads of each address, 1 to 64. Each has a socket of its own on the same port, and the system spreads the other nodes
    /// among them (SO_REUSEPORT), so that several processors decrypt and process what arrives; what one node sends is always received by
    /// one thread. Only on 64-bit Linux; elsewhere there is one. Default: half of the processors, 1 to 8.
    /// </summary>
    public int ReceiveThreads { get; init; } = DefaultReceiveThreads;

    /// <summary>Sends runs of datagrams in one call and lets the system segment them (UDP_SEGMENT), if supported. Default true.</summary>
    public bool SegmentationOffload { get; init; } = true;

    /// <summary>Receives runs of datagrams coalesced into one message (UDP_GRO), if supported. Default true.</summary>
    public bool ReceiveCoalescing { get; init; } = true;

    /// <summary>
    /// Uses .NET sockets even if system calls would be faster; <see cref="SegmentationOffload"/> and <see cref="ReceiveCoalescing"/> then
    /// have no effect. Default false.
    /// </summary>
    public bool PortableSockets { get; init; }

    /// <summary>The clock for repeated enumerations of the machine's addresses. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The logger. Default: no logging.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    internal static void CheckReceiveThreads(int count)
    {
        if (count is < 1 or > 64)
        {
            throw new ArgumentException(
                $"{nameof(ReceiveThreads)} is {count}; it must be from 1 to 64, for example half of the processors.", nameof(count));
        }
    }
}
