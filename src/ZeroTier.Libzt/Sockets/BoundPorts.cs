using System.Net;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// The ports in use, per own address. libzt's own check is not usable: without address reuse, a connection in TIME-WAIT blocks its port for
/// two minutes; with it, libzt silently accepts a second listener. Used on the loop's thread only.
/// </summary>
internal sealed class BoundPorts
{
    private readonly HashSet<(ZtsSocketType Type, IPAddress Address, int Port)> _taken = [];

    internal int Count => _taken.Count;

    internal bool IsFree(ZtsSocketType type, IPAddress address, int port) => !_taken.Contains((type, address, port));

    internal void Take(ZtsSocketType type, IPAddress address, int port) => _taken.Add((type, address, port));

    internal void Free(ZtsSocketType type, IPAddress address, int port) => _taken.Remove((type, address, port));
}
