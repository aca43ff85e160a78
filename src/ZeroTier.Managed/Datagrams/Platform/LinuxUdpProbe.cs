using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Managed.Datagrams.Platform;

/// <summary>
/// Finds out which calls a new socket can use. A call is probed such that it does nothing: any error other than "forbidden" shows that it
/// is available. What is refused is logged.
/// </summary>
internal readonly unsafe struct LinuxUdpProbe(ILinuxUdpCalls calls, SafeSocketHandle socket, InetEndPoint localEndPoint, ILogger log)
{
    /// <summary>Checks sendmsg.</summary>
    /// <exception cref="ZeroTierException">It is forbidden.</exception>
    public void CheckSend()
    {
        LinuxMessage nowhere = default;
        int errno = (int)-calls.Send(socket, &nowhere);
        if (LinuxErrno.IsForbidden(errno))
        {
            throw Forbidden("sendmsg", errno);
        }
    }

    /// <summary>Whether sendmmsg is available.</summary>
    public bool SendsMany()
    {
        LinuxMessageSlot nowhere = default;
        int errno = -calls.SendMany(socket, &nowhere, 1);
        if (!LinuxErrno.IsForbidden(errno))
        {
            return true;
        }

        UdpLog.ManyRefused(log, localEndPoint, errno);
        return false;
    }

    /// <summary>Whether recvmmsg is available.</summary>
    /// <exception cref="ZeroTierException">recvmsg is forbidden as well.</exception>
    public bool ReceivesMany()
    {
        LinuxMessageSlot nothing = default;
        int errno = -calls.Receive(socket, &nothing, 1, LinuxUdpCalls.PeekWithoutWaiting);
        if (!LinuxErrno.IsForbidden(errno))
        {
            return true;
        }

        int errnoOfOne = (int)-calls.ReceiveOne(socket, &nothing.Message, LinuxUdpCalls.PeekWithoutWaiting);
        if (LinuxErrno.IsForbidden(errnoOfOne))
        {
            throw Forbidden("recvmsg", errnoOfOne);
        }

        UdpLog.BatchesRefused(log, localEndPoint, errno);
        return false;
    }

    /// <summary>Whether one message can be a run of datagrams. The size is passed with each one.</summary>
    public bool Segments()
    {
        int result = calls.SetOption(socket, LinuxIntControl.LevelUdp, LinuxIntControl.UdpSegment, 1432);
        if (result == 0)
        {
            result = calls.SetOption(socket, LinuxIntControl.LevelUdp, LinuxIntControl.UdpSegment, 0);
        }

        if (result < 0)
        {
            UdpLog.SegmentationRefused(log, localEndPoint, -result);
        }

        return result == 0;
    }

    /// <summary>Lets runs of datagrams be received as one message; false when that is refused.</summary>
    public bool Coalesce()
    {
        int result = calls.SetOption(socket, LinuxIntControl.LevelUdp, LinuxIntControl.UdpCoalesce, 1);
        if (result < 0)
        {
            UdpLog.CoalescingRefused(log, localEndPoint, -result);
        }

        return result == 0;
    }

    private static ZeroTierException Forbidden(string call, int errno) => new(
        ZeroTierError.Underlay,
        $"The system forbids the call {call} (errno {errno}), without which no UDP datagram can be exchanged. The process runs in a "
            + "sandbox (seccomp), which must allow sendmsg and recvmsg; with systemd for example SystemCallFilter=@system-service.");
}
