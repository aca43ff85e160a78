using System.Net.Sockets;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>Error numbers of Linux's UDP system calls, which are the same on x64 and Arm64.</summary>
internal static class LinuxErrno
{
    public const int NotPermitted = 1;
    public const int Interrupted = 4;
    public const int InputOutput = 5;
    public const int BadDescriptor = 9;
    public const int Again = 11;
    public const int NoMemory = 12;
    public const int AccessDenied = 13;
    public const int Invalid = 22;
    public const int NotImplemented = 38;
    public const int MessageSize = 90;
    public const int NoProtocolOption = 92;
    public const int NotSupported = 95;
    public const int AddressNotAvailable = 99;
    public const int NetworkDown = 100;
    public const int NetworkUnreachable = 101;
    public const int NoBuffers = 105;
    public const int ConnectionRefused = 111;
    public const int HostDown = 112;
    public const int HostUnreachable = 113;

    /// <summary>Whether the call itself is forbidden by a sandbox (seccomp) or not implemented by the kernel.</summary>
    public static bool IsForbidden(int errno) => errno is NotImplemented or NotPermitted or AccessDenied;

    public static SocketError ToSocketError(int errno) => errno switch
    {
        NotPermitted or AccessDenied => SocketError.AccessDenied,
        NotImplemented => SocketError.OperationNotSupported,
        Interrupted => SocketError.Interrupted,
        BadDescriptor => SocketError.OperationAborted,
        Again => SocketError.WouldBlock,
        NoMemory or NoBuffers => SocketError.NoBufferSpaceAvailable,
        Invalid => SocketError.InvalidArgument,
        MessageSize => SocketError.MessageSize,
        AddressNotAvailable => SocketError.AddressNotAvailable,
        NetworkDown => SocketError.NetworkDown,
        NetworkUnreachable => SocketError.NetworkUnreachable,
        ConnectionRefused => SocketError.ConnectionRefused,
        HostDown => SocketError.HostDown,
        HostUnreachable => SocketError.HostUnreachable,
        _ => SocketError.SocketError,
    };
}
