namespace ZeroTier.Libzt.Native;

/// <summary>Error numbers of socket calls, with Linux' values; <see cref="ErrnoTable"/> translates those of other platforms.</summary>
internal enum Errno
{
    None = 0,

    /// <summary>lwIP's "illegal argument", for example an address of the wrong length.</summary>
    InputOutput = 5,
    BadDescriptor = 9,

    /// <summary>Would block; also the result of every time-out.</summary>
    Again = 11,
    NoMemory = 12,
    Invalid = 22,

    /// <summary>All 1024 descriptors are in use.</summary>
    TableFull = 23,
    NotImplemented = 38,
    MessageTooLong = 90,
    NoSuchOption = 92,
    NotSupported = 95,
    AddressInUse = 98,

    /// <summary>Aborted at this end: dead peer, keepalive, or the interface went away.</summary>
    Aborted = 103,

    /// <summary>Reset by the peer; while connecting: refused.</summary>
    Reset = 104,

    /// <summary>No buffer; while connecting: no local port left.</summary>
    NoBuffers = 105,
    AlreadyConnected = 106,

    /// <summary>Not connected, no longer connected, or the stream has ended.</summary>
    NotConnected = 107,

    /// <summary>No route, or the node's own address is still in duplicate address detection.</summary>
    NoRoute = 113,
    AlreadyConnecting = 114,
    InProgress = 115,
}
