using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    /// <summary>
    /// The command of <see cref="FileControl"/> that sets the mode (F_SETFL); only <see cref="NonBlocking"/> is supported.
    /// </summary>
    internal const int SetMode = 4;

    /// <summary>The mode bit of a non-blocking descriptor.</summary>
    internal const int NonBlocking = 1;

    /// <summary>Descriptors per process: 0 to 1023.</summary>
    internal const int MaxDescriptors = 1024;

    /// <summary>Opens a descriptor, in blocking mode: make it non-blocking before anything else.</summary>
    internal static int Socket(ZtsFamily family, ZtsSocketType type, ZtsProtocol protocol)
    {
        int fd = OpenSocket(family, type, protocol);
        if (fd == SocketError)
        {
            NoteTableFull();
        }

        return fd;
    }

    [LibraryImport(Library, EntryPoint = "zts_bsd_socket", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int OpenSocket(ZtsFamily family, ZtsSocketType type, ZtsProtocol protocol);

    /// <summary>Binds to a local address. libzt also accepts addresses that are not its own.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_bind", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Bind(int fd, ZtsAddress* address, uint length);

    /// <summary>Starts listening; the backlog is clamped to 255.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_listen", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Listen(int fd, int backlog);

    /// <summary>Accepts a connection; the new descriptor is in blocking mode and inherits no options. Both pointers may be null.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_accept", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Accept(int fd, ZtsAddress* address, uint* length);

    /// <summary>Starts connecting; on a non-blocking descriptor the result is -1 and <see cref="Errno.InProgress"/>.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_connect", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Connect(int fd, ZtsAddress* address, uint length);

    /// <summary>Closes a descriptor; only the thread that uses it may do so (docs/protocol/4-libzt-api.md 12.4).</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_close", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Close(int fd);

    /// <summary>Ends a direction. Only <see cref="ShutdownMode.Write"/> is safe (section 12.6).</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_shutdown", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Shutdown(int fd, ShutdownMode how);

    /// <summary>Sends; returns the number of bytes taken.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_send", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Send(int fd, byte* buffer, nuint length, MessageFlags flags);

    /// <summary>Receives; at the end of the stream returns 0 once, then -1 with <see cref="Errno.NotConnected"/>.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_recv", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Receive(int fd, byte* buffer, nuint length, MessageFlags flags);

    /// <summary>Sends a datagram.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_sendto", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int SendTo(int fd, byte* buffer, nuint length, MessageFlags flags, ZtsAddress* address, uint addressLength);

    /// <summary>Receives a datagram, truncated to the buffer.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_recvfrom", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int ReceiveFrom(
        int fd, byte* buffer, nuint length, MessageFlags flags, ZtsAddress* address, uint* addressLength);

    /// <summary>
    /// Waits until descriptors are ready; returns their number, or 0 at the timeout. A closed descriptor is not reported (section 12.2).
    /// </summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_poll", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int Poll(PollDescriptor* descriptors, uint count, int timeoutMilliseconds);

    /// <summary>Gets or sets the mode of a descriptor.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_fcntl", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int FileControl(int fd, int command, int flags);

    /// <summary>Sets an option.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_setsockopt", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int SetSocketOption(int fd, OptionLevel level, int name, void* value, uint length);

    /// <summary>Reads an option.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_getsockopt", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int GetSocketOption(int fd, OptionLevel level, int name, void* value, uint* length);

    /// <summary>The local address of a descriptor.</summary>
    [LibraryImport(Library, EntryPoint = "zts_bsd_getsockname", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    internal static partial int GetSocketName(int fd, ZtsAddress* address, uint* length);
}
