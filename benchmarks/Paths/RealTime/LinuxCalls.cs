using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Paths.RealTime;

/// <summary>The system calls that .NET has no API for. Constants and layouts are those of 64-bit Linux on x64 and arm64.</summary>
internal static unsafe partial class LinuxCalls
{
    private const int NewNetwork = 0x40000000; // CLONE_NEWNET
    private const int NonBlocking = 0x800; // EFD_NONBLOCK
    private const int CloseOnExec = 0x80000; // EFD_CLOEXEC
    private const short Readable = 1; // POLLIN
    private const nuint SetInterface = 0x400454ca; // TUNSETIFF
    private const short TunWithoutHeader = 0x1001; // IFF_TUN | IFF_NO_PI
    private const int ThisThread = 0;
    private const int FirstInFirstOut = 1; // SCHED_FIFO
    private const int InterfaceRequestBytes = 40; // sizeof(struct ifreq)
    private const int InterfaceNameBytes = 16;

    /// <summary>Moves the calling thread to a new network namespace.</summary>
    public static void LeaveNetwork() => Check(unshare(NewNetwork), "unshare");

    /// <summary>Moves the calling thread to a network namespace.</summary>
    public static void EnterNetwork(SafeFileHandle network) => Check(setns(network, NewNetwork), "setns");

    /// <summary>Makes an open /dev/net/tun a device of this name in the calling thread's network namespace.</summary>
    public static void MakeTun(SafeFileHandle tun, ReadOnlySpan<byte> name)
    {
        byte* request = stackalloc byte[InterfaceRequestBytes];
        new Span<byte>(request, InterfaceRequestBytes).Clear();
        name.CopyTo(new Span<byte>(request, InterfaceNameBytes - 1));
        *(short*)(request + InterfaceNameBytes) = TunWithoutHeader;
        Check(ioctl(tun, SetInterface, request), "ioctl(TUNSETIFF)");
    }

    /// <summary>read; below zero where it failed.</summary>
    public static nint Read(SafeFileHandle file, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return read(file, start, (nuint)buffer.Length);
        }
    }

    /// <summary>write; below zero where it failed.</summary>
    public static nint Write(SafeFileHandle file, ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            return write(file, start, (nuint)data.Length);
        }
    }

    /// <summary>
    /// Lets the calling thread run before all others whenever it has something to do, where the process may: a wire does not slow down
    /// because its hosts are busy.
    /// </summary>
    public static void RunFirst()
    {
        int priority = 1;
        _ = sched_setscheduler(ThisThread, FirstInFirstOut, &priority);
    }

    /// <summary>Opens an eventfd.</summary>
    public static SafeFileHandle OpenEvent()
    {
        int descriptor = eventfd(0, NonBlocking | CloseOnExec);
        Check(descriptor, "eventfd");
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Sets an eventfd.</summary>
    public static void Signal(SafeFileHandle file)
    {
        ulong one = 1;
        _ = write(file, (byte*)&one, sizeof(ulong));
    }

    /// <summary>Waits until an eventfd is set, and clears it, or for this long.</summary>
    public static void WaitAndClear(SafeFileHandle file, TimeSpan? time)
    {
        var wait = new Poll { Descriptor = (int)file.DangerousGetHandle(), Events = Readable };
        var limit = new Time
        {
            Seconds = (long)time.GetValueOrDefault().TotalSeconds,
            Nanoseconds = time.GetValueOrDefault().Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick,
        };
        if (ppoll(&wait, 1, time is null ? null : &limit, null) > 0)
        {
            ulong count;
            _ = read(file, (byte*)&count, sizeof(ulong));
        }
    }

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new Win32Exception(error, $"{call}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

#pragma warning disable SYSLIB1054, IDE1006 // The C library's own names.
    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(SafeFileHandle file, int type);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeFileHandle file, nuint request, byte* argument);

    [LibraryImport("libc")]
    private static partial int sched_setscheduler(int thread, int policy, int* priority);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint value, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ppoll(Poll* files, nuint count, Time* limit, void* signals);
#pragma warning restore SYSLIB1054, IDE1006

    // struct pollfd.
    private struct Poll
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    // struct timespec.
    private struct Time
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
