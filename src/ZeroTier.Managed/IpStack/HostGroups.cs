using System.Collections.Concurrent;
using System.Net.Sockets;

namespace ZeroTier.Managed.IpStack;

/// <summary>
/// Multicast groups (RFC 1112 calls them host groups) and the sockets that have joined them. The link is told when the first socket joins
/// a group and when the last one leaves it. Bounded. Thread-safe.
/// </summary>
/// <remarks>
/// No other lock is taken under the lock of this class. The link is called after its release, so two calls may arrive in the reverse order
/// of the changes; the link therefore counts joins and leaves.
/// </remarks>
internal sealed class HostGroups(IFrameLink link)
{
    /// <summary>
    /// Most groups that can be joined at the same time. A root keeps no more subscriptions than that for one node, on all its networks
    /// together.
    /// </summary>
    internal const int MaxGroups = 512;

    private readonly Lock _changing = new();

    // The arrays are replaced, never changed.
    private readonly ConcurrentDictionary<IpAddress, UdpSocket[]> _sockets = new();

    public bool Contains(in IpAddress group) => _sockets.ContainsKey(group);

    /// <summary>The sockets that have joined a group.</summary>
    public ReadOnlySpan<UdpSocket> Find(in IpAddress group) => _sockets.TryGetValue(group, out var sockets) ? sockets : default;

    /// <summary>A socket joins a group. Without effect if it has joined it already.</summary>
    /// <exception cref="SocketException">The socket is closed, or there are too many groups.</exception>
    public void Join(in IpAddress group, UdpSocket socket)
    {
        lock (_changing)
        {
            // Checked under the lock: a socket that closes is marked closed before it leaves its groups, so no join can come after that.
            socket.ThrowIfClosed();
            if (_sockets.TryGetValue(group, out var others))
            {
                if (!others.Contains(socket))
                {
                    _sockets[group] = [.. others, socket];
                }

                return;
            }

            if (_sockets.Count >= MaxGroups)
            {
                throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
            }

            _sockets[group] = [socket];
        }

        link.Join(MulticastMapping.ToEthernet(group));
    }

    /// <summary>A socket leaves a group. Without effect if it is not in it.</summary>
    public void Leave(in IpAddress group, UdpSocket socket)
    {
        lock (_changing)
        {
            if (!_sockets.TryGetValue(group, out var sockets) || !sockets.Contains(socket))
            {
                return;
            }

            if (sockets.Length > 1)
            {
                _sockets[group] = [.. sockets.Where(other => other != socket)];
                return;
            }

            _sockets.TryRemove(group, out _);
        }

        link.Leave(MulticastMapping.ToEthernet(group));
    }

    /// <summary>A closed socket leaves all its groups.</summary>
    public void LeaveAll(UdpSocket socket)
    {
        foreach (var (group, sockets) in _sockets)
        {
            if (sockets.Contains(socket))
            {
                Leave(group, socket);
            }
        }
    }
}
