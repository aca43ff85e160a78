namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Why a TCP operation or connection failed.</summary>
internal enum TcpError
{
    /// <summary>Another listener holds the port, or no port is free.</summary>
    AddressInUse,

    /// <summary>The local address was taken from this node.</summary>
    AddressNotAvailable,

    /// <summary>The other end answered the SYN with RST.</summary>
    ConnectionRefused,

    /// <summary>The other end sent RST.</summary>
    ConnectionReset,

    /// <summary>This end gave the connection up: abort, a failed writer, or the end of the stack.</summary>
    ConnectionAborted,

    /// <summary>Nothing was acknowledged in time.</summary>
    TimedOut,
}

/// <summary>The error of every TCP operation.</summary>
internal sealed class TcpException(TcpError error, string message, Exception? innerException = null) : IOException(message, innerException)
{
    public TcpError Error { get; } = error;
}
