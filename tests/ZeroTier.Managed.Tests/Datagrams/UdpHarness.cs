using System.Net;
using ZeroTier.Managed.Datagrams;
using ZeroTier.Managed.Datagrams.Platform;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>Collects datagrams from real sockets and lets a test wait for a number of them.</summary>
internal sealed class CollectingReceiver : IDatagramReceiver
{
    private readonly Lock _lock = new();
    private readonly List<byte[]> _datagrams = [];
    private readonly SemaphoreSlim _arrived = new(0);

    public InetEndPoint LastSource { get; private set; }

    public int Batches { get; private set; }

    public int Sockets { get; private set; }

    public Action? OnEach { get; set; }

    public Action<InetEndPoint, int>? OnEachRefused { get; set; }

    public void OnRefused(int socket, in InetEndPoint destination, int size) => OnEachRefused?.Invoke(destination, size);

    public List<byte[]> Snapshot()
    {
        lock (_lock)
        {
            return [.. _datagrams];
        }
    }

    public async Task<List<byte[]>> WaitForAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.True(await _arrived.WaitAsync(TimeSpan.FromSeconds(20)), $"{i} of {count} datagrams arrived");
        }

        return Snapshot();
    }

    public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        lock (_lock)
        {
            _datagrams.Add(datagram.ToArray());
            LastSource = source;
            Sockets |= 1 << socket;
        }

        // The contract allows changes in place.
        datagram.Clear();
        _arrived.Release();
        OnEach?.Invoke();
    }

    public void OnBatchEnd(int socket) => Batches++;
}

/// <summary>Passes system calls on, refusing what a test wants refused.</summary>
internal sealed unsafe class RefusingCalls : ILinuxUdpCalls
{
    private readonly ILinuxUdpCalls _inner = LinuxUdpCalls.Instance;

    /// <summary>Error for setting this UDP option (103 segment, 104 coalesce).</summary>
    public (int Option, int Errno) RefusedOption { get; set; }

    /// <summary>Error for sends that carry a control message.</summary>
    public int SegmentErrno { get; set; }

    /// <summary>Error for every send without control message.</summary>
    public int PlainErrno { get; set; }

    /// <summary>Error for receives.</summary>
    public int ReceiveErrno { get; set; }

    /// <summary>Error for receives of one datagram.</summary>
    public int ReceiveOneErrno { get; set; }

    /// <summary>Error for every send, also for one that only asks whether the call is there.</summary>
    public int SendErrno { get; set; }

    /// <summary>Error for every call that sends several messages.</summary>
    public int ManyErrno { get; set; }

    /// <summary>Messages that one such call sends before it fails.</summary>
    public int MostAtOnce { get; set; } = int.MaxValue;

    /// <summary>The number of messages of each call that sent several.</summary>
    public List<int> SentAtOnce { get; } = [];

    /// <summary>Error for ending the waits.</summary>
    public int ShutdownErrno { get; set; }

    /// <summary>The last control message sent: level, type, value.</summary>
    public (int Level, int Type, int Value) LastControl { get; private set; }

    public int SegmentCalls { get; private set; }

    public int PlainCalls { get; private set; }

    public int ReceiveCalls { get; private set; }

    public int SetOption(System.Net.Sockets.SafeSocketHandle socket, int level, int name, int value) =>
        name == RefusedOption.Option ? -RefusedOption.Errno : _inner.SetOption(socket, level, name, value);

    public nint Send(System.Net.Sockets.SafeSocketHandle socket, LinuxMessage* message)
    {
        if (SendErrno != 0 || message->Name is null)
        {
            return SendErrno != 0 ? -SendErrno : _inner.Send(socket, message);
        }

        if (message->ControlLength > 0)
        {
            SegmentCalls++;
            var control = (LinuxIntControl*)message->Control;
            LastControl = (control->Level, control->Type, control->Value);
            return SegmentErrno != 0 ? -SegmentErrno : _inner.Send(socket, message);
        }

        PlainCalls++;
        return PlainErrno != 0 ? -PlainErrno : _inner.Send(socket, message);
    }

    public int SendMany(System.Net.Sockets.SafeSocketHandle socket, LinuxMessageSlot* slots, int count)
    {
        int sent = ManyErrno != 0 ? -ManyErrno : _inner.SendMany(socket, slots, Math.Min(count, MostAtOnce));
        if (sent > 0)
        {
            SentAtOnce.Add(sent);
        }

        return sent;
    }

    public int Receive(System.Net.Sockets.SafeSocketHandle socket, LinuxMessageSlot* slots, int count, int flags)
    {
        ReceiveCalls++;
        return ReceiveErrno != 0 ? -ReceiveErrno : _inner.Receive(socket, slots, count, flags);
    }

    public nint ReceiveOne(System.Net.Sockets.SafeSocketHandle socket, LinuxMessage* message, int flags) =>
        ReceiveOneErrno != 0 ? -ReceiveOneErrno : _inner.ReceiveOne(socket, message, flags);

    public int Shutdown(System.Net.Sockets.SafeSocketHandle socket) => ShutdownErrno != 0 ? -ShutdownErrno : _inner.Shutdown(socket);
}

/// <summary>Test data.</summary>
internal static class UdpData
{
    /// <summary>Runs one after another, each datagram filled with its number.</summary>
    public static byte[] Run(int count, int size, int tail)
    {
        var data = new byte[(count * size) + tail];
        for (int i = 0; i <= count; i++)
        {
            data.AsSpan(i * size, i < count ? size : tail).Fill((byte)(i + 1));
        }

        return data;
    }

    public static void AssertRun(List<byte[]> datagrams, int count, int size, int tail)
    {
        Assert.Equal([.. Enumerable.Repeat(size, count), tail], datagrams.Select(d => d.Length));
        for (int i = 0; i <= count; i++)
        {
            Assert.All(datagrams[i], b => Assert.Equal(i + 1, b));
        }
    }

    /// <summary>Waits for what the receive thread does after it has delivered: counting, ending the batch.</summary>
    public static async Task Until(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            await Task.Delay(1, limit.Token);
        }
    }

    public static bool HasIpv6 { get; } = CanBindIpv6();

    private static bool CanBindIpv6()
    {
        try
        {
            using var socket = new System.Net.Sockets.Socket(
                System.Net.Sockets.AddressFamily.InterNetworkV6, System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}
