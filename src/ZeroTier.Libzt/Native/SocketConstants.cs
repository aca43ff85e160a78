namespace ZeroTier.Libzt.Native;

/// <summary>libzt's address families, which are not .NET's.</summary>
internal enum ZtsFamily
{
    Unspecified = 0,
    InterNetwork = 2,
    InterNetworkV6 = 10,
}

/// <summary>Socket types; raw sockets are not compiled in.</summary>
internal enum ZtsSocketType
{
    Stream = 1,
    Datagram = 2,
}

/// <summary>Protocols.</summary>
internal enum ZtsProtocol
{
    Default = 0,
    Tcp = 6,
    Udp = 17,
}

/// <summary>Flags of send and receive calls that libzt implements.</summary>
[Flags]
internal enum MessageFlags
{
    None = 0,
    Peek = 1,
    DoNotWait = 8,
    More = 16,
}

/// <summary>Directions to shut down.</summary>
internal enum ShutdownMode
{
    Read = 0,
    Write = 1,
    Both = 2,
}

/// <summary>Events of a poll. The others in libzt's header are never set; the end of a stream is reported as <see cref="In"/>.</summary>
[Flags]
internal enum PollEvents : short
{
    None = 0,
    In = 1,
    Out = 2,
    Error = 4,
    Invalid = 8,
}

/// <summary>Levels of socket options.</summary>
internal enum OptionLevel
{
    Ip = 0,
    Tcp = 6,
    IPv6 = 41,
    Socket = 0x0fff,
}

/// <summary>Options of <see cref="OptionLevel.Socket"/> that libzt implements.</summary>
internal static class SocketOption
{
    internal const int ReuseAddress = 0x04;
    internal const int KeepAlive = 0x08;
    internal const int Broadcast = 0x20;
    internal const int Linger = 0x80;
    internal const int ReceiveBuffer = 0x1002;
    internal const int Error = 0x1007;
    internal const int Type = 0x1008;
}

/// <summary>Options of <see cref="OptionLevel.Tcp"/>; none works on a listening descriptor.</summary>
internal static class TcpOption
{
    internal const int NoDelay = 1;

    /// <summary>Seconds of silence before the first probe.</summary>
    internal const int KeepIdle = 3;

    /// <summary>Seconds between probes.</summary>
    internal const int KeepInterval = 4;

    /// <summary>Unanswered probes after which the connection times out.</summary>
    internal const int KeepCount = 5;
}

/// <summary>Options of <see cref="OptionLevel.IPv6"/>.</summary>
internal static class IPv6Option
{
    internal const int OnlyIPv6 = 27;
}
