using System.Runtime.InteropServices;

namespace ZeroTier.Libzt.Native;

internal static unsafe partial class Zts
{
    private static int* _errno;

    /// <summary>Why the socket call that this thread made last failed. Only meaningful right after a negative result.</summary>
    /// <remarks>
    /// On Unix the thread's error number is right, where libzt's own variable, one for the process, may belong to another thread. On
    /// Windows the runtime keeps the system's last error, not the C library's, so only the variable is left (docs/protocol/4-libzt-api.md
    /// 8).
    /// </remarks>
    internal static Errno LastErrno()
    {
        int number = OperatingSystem.IsWindows() ? 0 : Marshal.GetLastPInvokeError();
        return ErrnoTable.FromNative(number != 0 || _errno is null ? number : Volatile.Read(ref *_errno));
    }

    /// <summary>Takes and clears what went wrong on a connection, which is how a non-blocking connect tells its end.</summary>
    internal static Errno TakeError(int fd)
    {
        int number = 0;
        uint length = sizeof(int);
        return GetSocketOption(fd, OptionLevel.Socket, SocketOption.Error, &number, &length) < 0
            ? LastErrno()
            : ErrnoTable.FromNative(number);
    }

    /// <summary>
    /// The call that opens a socket is the one that does not write libzt's variable, and a full table its only failure with valid arguments
    /// (section 4.8). Where only the variable is read, it would tell of an earlier call.
    /// </summary>
    private static void NoteTableFull()
    {
        if (OperatingSystem.IsWindows() && _errno is not null)
        {
            Volatile.Write(ref *_errno, (int)Errno.TableFull);
        }
    }

    /// <summary>Tells where the library's variable <c>zts_errno</c> lies. Called once, by the loader.</summary>
    internal static void UseErrno(nint address) => _errno = (int*)address;
}
