using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    private static int* _errno;

    /// <summary>The error of this thread's last socket call. Only valid directly after a negative result.</summary>
    /// <remarks>
    /// On Unix this is the thread's errno: libzt's own variable is global and may have been set by another thread. On Windows the runtime
    /// preserves the system's last error but not the C library's errno, so only libzt's variable is available (docs/protocol/4-libzt-api.md
    /// 8).
    /// </remarks>
    internal static Errno LastErrno()
    {
        int number = OperatingSystem.IsWindows() ? 0 : Marshal.GetLastPInvokeError();
        return ErrnoTable.FromNative(number != 0 || _errno is null ? number : Volatile.Read(ref *_errno));
    }

    /// <summary>
    /// Reads and clears the pending error of a connection (SO_ERROR), which also gives the result of a non-blocking connect.
    /// </summary>
    internal static Errno TakeError(int fd)
    {
        int number = 0;
        uint length = sizeof(int);
        return GetSocketOption(fd, OptionLevel.Socket, SocketOption.Error, &number, &length) < 0
            ? LastErrno()
            : ErrnoTable.FromNative(number);
    }

    /// <summary>
    /// Sets libzt's variable after a failed socket call, the only call that does not set it itself; a full table is its only failure with
    /// valid arguments (section 4.8). Otherwise, on Windows, the error of an earlier call would be read.
    /// </summary>
    private static void NoteTableFull()
    {
        if (OperatingSystem.IsWindows() && _errno is not null)
        {
            Volatile.Write(ref *_errno, (int)Errno.TableFull);
        }
    }

    /// <summary>Sets the address of the library's variable <c>zts_errno</c>. Called once, by the loader.</summary>
    internal static void UseErrno(nint address) => _errno = (int*)address;
}
