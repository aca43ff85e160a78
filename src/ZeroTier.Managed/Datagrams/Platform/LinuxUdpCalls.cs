using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>
/// The system calls of <see cref="LinuxUdpSocket"/>; an interface, so that tests can make them fail. Results below zero are negated errno
/// values.
/// </summary>
internal unsafe interface ILinuxUdpCalls
{
    /// <summary>setsockopt with an int.</summary>
    int SetOption(SafeSocketHandle socket, int level, int name, int value);

    /// <summary>sendmsg.</summary>
    nint Send(SafeSocketHandle socket, LinuxMessage* message);

    /// <summary>sendmmsg: sends messages until one fails.</summary>
    /// <returns>Messages sent, or the error of the first one.</returns>
    int SendMany(SafeSocketHandle socket, LinuxMessageSlot* slots, int count);

    /// <summary>recvmmsg: waits for the first message, and receives those that are available.</summary>
    int Receive(SafeSocketHandle socket, LinuxMessageSlot* slots, int count, int flags);

    /// <summary>recvmsg.</summary>
    nint ReceiveOne(SafeSocketHandle socket, LinuxMessage* message, int flags);

    /// <summary>shutdown: makes a blocked receive return.</summary>
    int Shutdown(SafeSocketHandle socket);
}

/// <summary>The C library's calls. Layouts are those of 64-bit little-endian Linux, glibc and musl alike.</summary>
internal sealed unsafe partial class LinuxUdpCalls : ILinuxUdpCalls
{
    /// <summary>MSG_PEEK and MSG_DONTWAIT.</summary>
    public const int PeekWithoutWaiting = 0x2 | 0x40;

    private const int WaitForOne = 0x10000;
    private const int NoSignal = 0x4000;
    private const int ShutdownBoth = 2;

    public static LinuxUdpCalls Instance { get; } = new();

    /// <summary>Whether the layouts below are valid in this process.</summary>
    public static bool IsSupported =>
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is (Architecture.X64 or Architecture.Arm64);

    public int SetOption(SafeSocketHandle socket, int level, int name, int value) =>
        setsockopt(socket, level, name, &value, sizeof(int)) == 0 ? 0 : -Marshal.GetLastPInvokeError();

    public nint Send(SafeSocketHandle socket, LinuxMessage* message)
    {
        nint sent = sendmsg(socket, message, NoSignal);
        return sent >= 0 ? sent : -Marshal.GetLastPInvokeError();
    }

    public int SendMany(SafeSocketHandle socket, LinuxMessageSlot* slots, int count)
    {
        int sent = sendmmsg(socket, slots, (uint)count, NoSignal);
        return sent >= 0 ? sent : -Marshal.GetLastPInvokeError();
    }

    public int Receive(SafeSocketHandle socket, LinuxMessageSlot* slots, int count, int flags)
    {
        int received = recvmmsg(socket, slots, (uint)count, WaitForOne | flags, null);
        return received >= 0 ? received : -Marshal.GetLastPInvokeError();
    }

    public nint ReceiveOne(SafeSocketHandle socket, LinuxMessage* message, int flags)
    {
        nint received = recvmsg(socket, message, flags);
        return received >= 0 ? received : -Marshal.GetLastPInvokeError();
    }

    public int Shutdown(SafeSocketHandle socket) => shutdown(socket, ShutdownBoth) == 0 ? 0 : -Marshal.GetLastPInvokeError();

#pragma warning disable SYSLIB1054, IDE1006 // The C library's own names.
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setsockopt(SafeSocketHandle socket, int level, int name, int* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint sendmsg(SafeSocketHandle socket, LinuxMessage* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int sendmmsg(SafeSocketHandle socket, LinuxMessageSlot* slots, uint count, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint recvmsg(SafeSocketHandle socket, LinuxMessage* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int recvmmsg(SafeSocketHandle socket, LinuxMessageSlot* slots, uint count, int flags, void* timeout);

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int shutdown(SafeSocketHandle socket, int how);
#pragma warning restore SYSLIB1054, IDE1006
}

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LinuxVector
{
    public void* Base;
    public nuint Length;
}

/// <summary>struct msghdr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LinuxMessage
{
    public void* Name;
    public uint NameLength;
    public LinuxVector* Vectors;
    public nuint VectorCount;
    public void* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary>struct mmsghdr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinuxMessageSlot
{
    public LinuxMessage Message;
    public uint Length;
}

/// <summary>
/// struct cmsghdr with an int behind it; <see cref="HeaderLength"/> and <see cref="Space"/> are CMSG_LEN(0) and CMSG_SPACE(4).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinuxIntControl
{
    public const int HeaderLength = 16;
    public const int Space = 24;
    public const int LevelUdp = 17;
    public const int UdpSegment = 103;
    public const int UdpCoalesce = 104;

    public nuint Length;
    public int Level;
    public int Type;
    public int Value;
    private readonly int _padding;

    /// <summary>UDP_SEGMENT: the message is a run of datagrams of this size.</summary>
    public static LinuxIntControl ForSegment(int size) => new()
    {
        Length = HeaderLength + 2,
        Level = LevelUdp,
        Type = UdpSegment,
        Value = (ushort)size,
    };
}

/// <summary>struct sockaddr_in6, large enough for sockaddr_in too.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LinuxSocketAddress
{
    /// <summary>Bytes to reserve for one: its length, rounded up.</summary>
    public const int Space = 32;

    public const int Ipv4Length = 16;
    public const int Ipv6Length = 28;
    public const ushort Ipv4Family = 2;
    public const ushort Ipv6Family = 10;

    public ushort Family;
    public fixed byte Rest[26];

    /// <summary>Writes an endpoint.</summary>
    /// <returns>The length of the address.</returns>
    public static int Write(in InetEndPoint endPoint, out LinuxSocketAddress address)
    {
        address = default;
        var rest = MemoryMarshal.CreateSpan(ref address.Rest[0], 26);
        BinaryPrimitives.WriteUInt16BigEndian(rest, endPoint.Port);
        if (endPoint.Family == AddressFamily.InterNetwork)
        {
            address.Family = Ipv4Family;
            endPoint.WriteAddress(rest[2..]);
            return Ipv4Length;
        }

        address.Family = Ipv6Family;
        endPoint.WriteAddress(rest[6..]);
        return Ipv6Length;
    }

    /// <summary>Reads an address of this length.</summary>
    public bool TryRead(uint length, out InetEndPoint endPoint)
    {
        var rest = MemoryMarshal.CreateReadOnlySpan(ref Rest[0], 26);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(rest);
        switch (Family)
        {
            case Ipv4Family when length >= Ipv4Length:
                endPoint = InetEndPoint.FromBytes(rest.Slice(2, 4), port);
                return true;
            case Ipv6Family when length >= Ipv6Length:
                endPoint = InetEndPoint.FromBytes(rest.Slice(6, 16), port);
                return true;
            default:
                endPoint = default;
                return false;
        }
    }
}
