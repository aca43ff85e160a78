using System.Runtime.InteropServices;
using ZeroTier.Managed.Vl1.Worlds;

namespace ZeroTier.Managed.Vl1.Control;

/// <summary>
/// Datagrams to send and notifications to raise. They are collected under the control lock and executed after its release, so that no
/// system call and no code of the layer above runs under the lock.
/// </summary>
internal sealed class Outbox
{
    private readonly List<Datagram> _datagrams = [];
    private readonly List<Notice> _notices = [];
    private byte[] _bytes = new byte[4096];
    private int _used;

    public bool IsEmpty => _datagrams.Count == 0 && _notices.Count == 0;

    public ReadOnlySpan<Datagram> Datagrams => CollectionsMarshal.AsSpan(_datagrams);

    public ReadOnlySpan<Notice> Notices => CollectionsMarshal.AsSpan(_notices);

    /// <summary>Copies a run of datagrams of <paramref name="segment"/> bytes each but the last, or one datagram.</summary>
    public void Add(int socket, in InetEndPoint destination, ReadOnlySpan<byte> bytes, int segment, int hopLimit = 0)
    {
        if (_bytes.Length < _used + bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _used + bytes.Length));
        }

        bytes.CopyTo(_bytes.AsSpan(_used));
        _datagrams.Add(new Datagram(socket, destination, _used, bytes.Length, segment, hopLimit));
        _used += bytes.Length;
    }

    public void Add(in Notice notice) => _notices.Add(notice);

    public ReadOnlySpan<byte> BytesOf(in Datagram datagram) => _bytes.AsSpan(datagram.Offset, datagram.Length);

    public void Clear()
    {
        _datagrams.Clear();
        _notices.Clear();
        _used = 0;
    }

    internal readonly record struct Datagram(int Socket, InetEndPoint Destination, int Offset, int Length, int Segment, int HopLimit);

    /// <summary>A notification for the layer above.</summary>
    internal readonly record struct Notice(
        NoticeKind Kind, Peer? Peer = null, PeerChange Change = default, World? World = null, int RoundTrip = 0);
}

/// <summary>The kinds of notifications.</summary>
internal enum NoticeKind
{
    Online,
    Offline,
    PeerChanged,
    PeerGreeted,
    Collision,
    WorldUpdated,
    IdentityArrived,
    RoundTrip,
}
