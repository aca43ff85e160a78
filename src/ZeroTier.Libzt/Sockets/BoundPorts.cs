using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// Which ports of which own addresses are taken. libzt cannot tell: without address reuse a connection in TIME-WAIT blocks its port for two
/// minutes, with it a second listener is accepted silently. Only the loop's thread.
/// </summary>
internal sealed class BoundPorts
{
    private readonly HashSet<(ZtsSocketType Type, IPAddress Address, int Port)> _taken = [];

    internal int Count => _taken.Count;

    internal bool IsFree(ZtsSocketType type, IPAddress address, int port) => !_taken.Contains((type, address, port));

    internal void Take(ZtsSocketType type, IPAddress address, int port) => _taken.Add((type, address, port));

    internal void Free(ZtsSocketType type, IPAddress address, int port) => _taken.Remove((type, address, port));
}
