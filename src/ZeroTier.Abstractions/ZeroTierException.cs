namespace ZeroTier;

/// <summary>Why an operation on a node failed.</summary>
public enum ZeroTierError
{
    /// <summary>The call needs a running node.</summary>
    NotRunning,

    /// <summary>The node has failed and must be started again, perhaps with another identity.</summary>
    Fatal,

    /// <summary>The identity or storage folder cannot be used.</summary>
    Storage,

    /// <summary>The physical UDP port or interface cannot be used.</summary>
    Underlay,

    /// <summary>The network is not joined.</summary>
    NetworkNotJoined,

    /// <summary>The network is joined but not usable, and waiting will not help.</summary>
    NetworkUnavailable,

    /// <summary>The address is not one of this node's on that network, or has no route.</summary>
    AddressNotAvailable,

    /// <summary>The TCP or UDP port on the network is taken.</summary>
    AddressInUse,

    /// <summary>The other end refused the connection.</summary>
    ConnectionRefused,

    /// <summary>The other end reset the connection.</summary>
    ConnectionReset,

    /// <summary>This end aborted the connection.</summary>
    ConnectionAborted,

    /// <summary>Nothing was heard from the other end in time.</summary>
    TimedOut,

    /// <summary>The network's rules, or a limit, forbid it.</summary>
    NotPermitted,

    /// <summary>This engine does not support it.</summary>
    NotSupported,

    /// <summary>No node with the address was found: no root knows it, or it never answered.</summary>
    MemberNotFound,
}

/// <summary>The error of every engine. The message says what failed, the likely cause and the remedy.</summary>
public sealed class ZeroTierException : IOException
{
    /// <summary>Creates an error.</summary>
    public ZeroTierException(ZeroTierError error, string message)
        : this(error, message, null)
    {
    }

    /// <summary>Creates an error with the one that caused it.</summary>
    public ZeroTierException(ZeroTierError error, string message, Exception? innerException)
        : base(message, innerException) => Error = error;

    /// <summary>The kind of failure.</summary>
    public ZeroTierError Error { get; }
}
