using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Kestrel.Transport.ZeroTier;

/// <summary>Memory, queues and threads of connections, as <see cref="SocketTransportOptions"/> has them for sockets.</summary>
public sealed class ZeroTierTransportOptions
{
    /// <summary>Received bytes that the application has not read at which the TCP window closes; null or 0 means no limit, which lets a peer fill the memory. Default 1 MiB.</summary>
    public long? MaxReadBufferSize { get; set; } = 1024 * 1024;

    /// <summary>Bytes written but not yet taken for sending at which writes wait; null or 0 means no limit. Default 64 KiB.</summary>
    public long? MaxWriteBufferSize { get; set; } = 64 * 1024;

    /// <summary>
    /// Bytes of memory that all connections of the node may hold together, in both directions, with 16 KiB for each connection itself; 1 MiB or more. Once they
    /// are used up, new connections are refused, and the largest of those that hold much and do not move are reset; logged and counted. libzt ignores it.
    /// Default: null, a quarter of the memory that the process may use.
    /// </summary>
    public long? MaxTotalBufferSize { get; set; }

    /// <summary>Handshaken connections that wait to be accepted, per endpoint, 1 to 65535; further ones are dropped and counted. libzt holds 127 more below that and does not count. Default 512.</summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Queues that run the transport's continuations, 0 to 1024; 0 runs them on the thread pool directly; libzt has one thread of its own for them. Default as the sockets transport: the cores, 16 at most.</summary>
    public int IOQueueCount { get; set; } = new SocketTransportOptions().IOQueueCount;

    /// <summary>Runs the application's continuations on the transport's threads. A handler that blocks then stops other connections. Default false.</summary>
    public bool UnsafePreferInlineScheduling { get; set; }
}
