namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Why a TCP operation or connection failed.</summary>
internal enum TcpError
{
    /// <summary>Another listener holds the port, or no port is free.</summary>
    AddressInUse,

    /// <summary>The local address is no longer this node's.</summary>
    AddressNotAvailable,

    /// <summary>The other end answered the SYN with RST.</summary>
    ConnectionRefused,

    /// <summary>The other end sent RST.</summary>
    ConnectionReset,

    /// <summary>This end aborted the connection: by request, because its writer failed, or because the stack stopped.</summary>
    ConnectionAborted,

    /// <summary>Nothing was acknowledged in time.</summary>
    TimedOut,
}

/// <summary>The error of every TCP operation.</summary>
internal sealed class TcpException(TcpError error, string message, Exception? innerException = null) : IOException(message, innerException)
{
    public TcpError Error { get; } = error;
}
