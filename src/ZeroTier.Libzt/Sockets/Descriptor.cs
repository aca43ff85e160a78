using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Sockets;

/// <summary>
/// A libzt descriptor: always non-blocking, closed exactly once, by the loop's thread. Holds a reference to the loop, and so keeps the node
/// alive.
/// </summary>
/// <remarks>
/// All members belong to the loop's thread: closing a descriptor while another thread is in a call on it freezes the whole library
/// (docs/protocol/4-libzt-api.md 12.4). The finalizer therefore passes an undisposed descriptor to that thread.
/// </remarks>
internal sealed unsafe class Descriptor : SafeHandle
{
    private const int NodeIsDown = -2;

    // Descriptors that could not be closed because the node was down. They can be closed after the next start (section 8).
    private static readonly ConcurrentQueue<int> _orphans = new();

    private readonly SocketLoop _loop;

    private Descriptor(SocketLoop loop, int fd)
        : base(invalidHandleValue: -1, ownsHandle: true)
    {
        _loop = loop;
        SetHandle(fd);
        loop.Counters.DescriptorOpened();
    }

    public override bool IsInvalid => handle < 0;

    /// <summary>The descriptor's number in libzt.</summary>
    internal int Number => (int)handle;

    /// <summary>Opens a socket; null on failure.</summary>
    internal static Descriptor? Open(SocketLoop loop, ZtsFamily family, ZtsSocketType type, out Errno error)
    {
        int fd = Zts.Socket(family, type, ZtsProtocol.Default);
        error = fd < 0 ? Failure(fd) : Errno.None;
        return fd < 0 ? null : Own(loop, fd, out error);
    }

    /// <summary>Accepts the next connection of a listening socket; null on failure.</summary>
    internal Descriptor? Accept(out ZtsAddress remote, out Errno error)
    {
        fixed (ZtsAddress* address = &remote)
        {
            *address = default;
            uint length = (uint)sizeof(ZtsAddress);
            int fd = Zts.Accept(Number, address, &length);
            error = fd < 0 ? Failure(fd) : Errno.None;
            return fd < 0 ? null : Own(_loop, fd, out error);
        }
    }

    internal Errno Bind(ZtsAddress address) => Check(Zts.Bind(Number, &address, address.Length));

    internal Errno Listen(int backlog) => Check(Zts.Listen(Number, backlog));

    internal Errno Connect(ZtsAddress address) => Check(Zts.Connect(Number, &address, address.Length));

    internal Errno ShutdownWrite() => Check(Zts.Shutdown(Number, ShutdownMode.Write));

    internal Errno LocalAddress(out ZtsAddress local)
    {
        fixed (ZtsAddress* address = &local)
        {
            *address = default;
            uint length = (uint)sizeof(ZtsAddress);
            return Check(Zts.GetSocketName(Number, address, &length));
        }
    }

    /// <summary>Returns the number of bytes sent, or a negative number with the error.</summary>
    internal int Send(ReadOnlySpan<byte> data, out Errno error)
    {
        fixed (byte* buffer = data)
        {
            int sent = Zts.Send(Number, buffer, (nuint)data.Length, MessageFlags.None);
            error = sent < 0 ? Failure(sent) : Errno.None;
            return sent;
        }
    }

    /// <summary>Returns the number of bytes received, 0 at the end of the stream, or a negative number with the error.</summary>
    internal int Receive(Span<byte> data, MessageFlags flags, out Errno error)
    {
        fixed (byte* buffer = data)
        {
            int received = Zts.Receive(Number, buffer, (nuint)data.Length, flags);
            error = received < 0 ? Failure(received) : Errno.None;
            return received;
        }
    }

    internal int SendTo(ReadOnlySpan<byte> data, ZtsAddress destination, out Errno error)
    {
        // Empty datagrams are valid, but the call needs a non-null pointer.
        byte none = 0;
        fixed (byte* buffer = data)
        {
            int sent = Zts.SendTo(
                Number, buffer == null ? &none : buffer, (nuint)data.Length, MessageFlags.None, &destination, destination.Length);
            error = sent < 0 ? Failure(sent) : Errno.None;
            return sent;
        }
    }

    internal int ReceiveFrom(Span<byte> data, out ZtsAddress source, out Errno error)
    {
        fixed (byte* buffer = data)
        fixed (ZtsAddress* address = &source)
        {
            *address = default;
            uint length = (uint)sizeof(ZtsAddress);
            int received = Zts.ReceiveFrom(Number, buffer, (nuint)data.Length, MessageFlags.None, address, &length);
            error = received < 0 ? Failure(received) : Errno.None;
            return received;
        }
    }

    /// <summary>Reads and clears the pending error of the connection.</summary>
    internal Errno TakeError() => Zts.TakeError(Number);

    /// <summary>Sets an option; failures are ignored, because a missing option must not fail the connection.</summary>
    internal void Set(OptionLevel level, int name, int value) => _ = Zts.SetSocketOption(Number, level, name, &value, sizeof(int));

    internal void SetLinger(int seconds)
    {
        var linger = new Linger { IsOn = 1, Seconds = seconds };
        _ = Zts.SetSocketOption(Number, OptionLevel.Socket, SocketOption.Linger, &linger, (uint)sizeof(Linger));
    }

    /// <summary>Closes descriptors that an earlier session could not close.</summary>
    internal static void CloseOrphans()
    {
        while (_orphans.TryDequeue(out int fd))
        {
            _ = Zts.Close(fd);
        }
    }

    /// <summary>Closes a descriptor, now or, if the node is down, in its next session.</summary>
    internal static int CloseNumber(int fd)
    {
        int result = Zts.Close(fd);
        if (result == NodeIsDown)
        {
            _orphans.Enqueue(fd);
        }

        return result;
    }

    protected override bool ReleaseHandle()
    {
        if (_loop.IsCurrentThread)
        {
            Close(this);
        }
        else
        {
            // On the finalizer thread, for a descriptor that was not disposed.
            _loop.Work.Schedule(static state => Close((Descriptor)state!), this);
        }

        return true;
    }

    private static void Close(Descriptor descriptor)
    {
        int fd = (int)descriptor.handle;
        int result = CloseNumber(fd);
        descriptor._loop.Counters.DescriptorClosed();
        if (result == -1)
        {
            SocketLog.CloseFailed(descriptor._loop.Logger, fd, ErrnoTable.Describe(Failure(result)));
        }
    }

    private static Descriptor? Own(SocketLoop loop, int fd, out Errno error)
    {
        int result = Zts.FileControl(fd, Zts.SetMode, Zts.NonBlocking);
        if (result >= 0)
        {
            error = Errno.None;
            return new Descriptor(loop, fd);
        }

        // A blocking descriptor could block the loop forever.
        error = Failure(result);
        _ = Zts.Close(fd);
        return null;
    }

    private static Errno Check(int result) => result < 0 ? Failure(result) : Errno.None;

    // Negative results other than -1 are libzt's own and set no errno: -2 means that the node is down (section 8).
    private static Errno Failure(int result) => result switch
    {
        -1 => Zts.LastErrno() is var error and not Errno.None ? error : Errno.InputOutput,
        NodeIsDown => Errno.BadDescriptor,
        _ => Errno.Invalid,
    };
}
