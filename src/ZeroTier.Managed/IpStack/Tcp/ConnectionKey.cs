namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>The addresses and ports that identify a connection (RFC 9293, 3.1).</summary>
internal readonly record struct ConnectionKey(IpAddress Local, IpAddress Remote, ushort LocalPort, ushort RemotePort)
{
    /// <summary>With the per-process seed of <see cref="HashCode"/>, so that peers cannot choose colliding ports.</summary>
    public override int GetHashCode() =>
        HashCode.Combine(
            (ulong)Remote.Value, (ulong)(Remote.Value >> 64), (ulong)Local.Value, (ulong)(Local.Value >> 64), LocalPort << 16 | RemotePort);

    public bool Equals(ConnectionKey other) =>
        LocalPort == other.LocalPort && RemotePort == other.RemotePort && Remote == other.Remote && Local == other.Local;

    /// <summary>Writes 4 + 2 * 16 bytes at most.</summary>
    public int Write(Span<byte> target)
    {
        int length = Local.Write(target);
        length += Remote.Write(target[length..]);
        target[length] = (byte)(LocalPort >> 8);
        target[length + 1] = (byte)LocalPort;
        target[length + 2] = (byte)(RemotePort >> 8);
        target[length + 3] = (byte)RemotePort;
        return length + 4;
    }
}
