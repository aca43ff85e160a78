namespace ZeroTier.Libzt.Native;

/// <summary>The purpose of a call, since the same error number has different meanings (docs/protocol/4-libzt-api.md 8).</summary>
internal enum SocketOperation
{
    Open,
    Bind,
    Connect,
    Send,
    Receive,
}

/// <summary>Maps error numbers of the platforms to <see cref="Errno"/>, and those to errors of the public API.</summary>
internal static class ErrnoTable
{
    /// <summary>Converts a number as the library reports it on this platform.</summary>
    internal static Errno FromNative(int number) =>
        OperatingSystem.IsWindows() ? FromWindows(number) : OperatingSystem.IsMacOS() ? FromDarwin(number) : FromLinux(number);

    /// <summary>Linux' numbers are libzt's own.</summary>
    internal static Errno FromLinux(int number) => (Errno)number;

    /// <summary>The numbers of Microsoft's C runtime (2017 and later), which are not those of libzt's header.</summary>
    internal static Errno FromWindows(int number) => number switch
    {
        40 => Errno.NotImplemented,
        100 => Errno.AddressInUse,
        103 => Errno.AlreadyConnecting,
        106 => Errno.Aborted,
        108 => Errno.Reset,
        110 => Errno.NoRoute,
        112 => Errno.InProgress,
        113 => Errno.AlreadyConnected,
        115 => Errno.MessageTooLong,
        119 => Errno.NoBuffers,
        123 => Errno.NoSuchOption,
        126 => Errno.NotConnected,
        130 => Errno.NotSupported,
        140 => Errno.Again,
        _ => (Errno)number,
    };

    /// <summary>
    /// It is not known whether lwIP on this platform is built with the system's numbers or with its own, which are those of Linux. The two
    /// sets are disjoint, so both are accepted.
    /// </summary>
    internal static Errno FromDarwin(int number) => number switch
    {
        35 => Errno.Again,
        36 => Errno.InProgress,
        37 => Errno.AlreadyConnecting,
        40 => Errno.MessageTooLong,
        42 => Errno.NoSuchOption,
        48 => Errno.AddressInUse,
        53 => Errno.Aborted,
        54 => Errno.Reset,
        55 => Errno.NoBuffers,
        56 => Errno.AlreadyConnected,
        57 => Errno.NotConnected,
        65 => Errno.NoRoute,
        78 => Errno.NotImplemented,
        102 => Errno.NotSupported,
        _ => (Errno)number,
    };

    /// <summary>The error of the public API for a final failure.</summary>
    internal static ZeroTierError ToError(Errno error, SocketOperation operation) => (error, operation) switch
    {
        (Errno.Reset, SocketOperation.Connect) => ZeroTierError.ConnectionRefused,
        (Errno.Aborted or Errno.Again, SocketOperation.Connect) => ZeroTierError.TimedOut,
        (Errno.Reset or Errno.NotConnected, _) => ZeroTierError.ConnectionReset,
        (Errno.Aborted, _) => ZeroTierError.ConnectionAborted,
        (Errno.NoRoute, _) => ZeroTierError.AddressNotAvailable,
        (Errno.AddressInUse, _) => ZeroTierError.AddressInUse,
        (Errno.TableFull or Errno.NoMemory or Errno.NoBuffers or Errno.MessageTooLong, _) => ZeroTierError.NotPermitted,
        (Errno.NotSupported or Errno.NoSuchOption or Errno.NotImplemented, _) => ZeroTierError.NotSupported,
        (Errno.BadDescriptor, _) => ZeroTierError.NotRunning,
        _ => ZeroTierError.ConnectionAborted,
    };

    /// <summary>The error in words, for use after "because" or a colon, followed by the number as in libzt's source.</summary>
    internal static string Describe(Errno error) => error switch
    {
        Errno.None => "no reason was given",
        Errno.InputOutput => "an argument was not accepted (libzt error 5)",
        Errno.BadDescriptor => "the socket is closed (libzt error 9)",
        Errno.Again => "nothing happened in time (libzt error 11)",
        Errno.NoMemory => "libzt has no memory left (libzt error 12)",
        Errno.Invalid => "the socket is not in a state for that (libzt error 22)",
        Errno.TableFull => "libzt's 1024 sockets are all in use (libzt error 23)",
        Errno.NotImplemented => "this libzt cannot do that (libzt error 38)",
        Errno.MessageTooLong => "the datagram is too long (libzt error 90)",
        Errno.NoSuchOption => "this libzt does not know that option (libzt error 92)",
        Errno.NotSupported => "this libzt does not support that (libzt error 95)",
        Errno.AddressInUse => "the address and port are in use (libzt error 98)",
        Errno.Aborted => "the connection was aborted (libzt error 103)",
        Errno.Reset => "the other end reset the connection (libzt error 104)",
        Errno.NoBuffers => "libzt has no buffer or no local port left (libzt error 105)",
        Errno.AlreadyConnected => "the socket is connected (libzt error 106)",
        Errno.NotConnected => "the socket is not connected (libzt error 107)",
        Errno.NoRoute => "there is no route (libzt error 113)",
        Errno.AlreadyConnecting => "the socket is connecting (libzt error 114)",
        Errno.InProgress => "the connection is being made (libzt error 115)",
        _ => $"libzt gave error {(int)error}",
    };
}
