using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using ZeroTier.LibztDouble;

namespace ZeroTier.Libzt.Tests.Double;

/// <summary>One copy of the double, called as C would call it: nothing of the engine is involved. Disposal resets it.</summary>
internal sealed class RawDouble : IDisposable
{
    public const ulong Network = 0xff0000ffff000000;
    public const ulong NotRunning = 0xFFFFFFFFFFFFFFFE;

    private static readonly Lock Gate = new();
    private static readonly Stack<DoubleControl> Pool = new();

    public RawDouble()
    {
        Assert.SkipWhen(DoubleLibrary.SkipReason is not null, DoubleLibrary.SkipReason ?? "");
        lock (Gate)
        {
            Control = Pool.TryPop(out var pooled) ? pooled : new DoubleControl(DoubleLibrary.Copy());
        }

        Start = Get<Plain>("zts_node_start");
        Stop = Get<Plain>("zts_node_stop");
        Free = Get<Plain>("zts_node_free");
        Id = Get<PlainULong>("zts_node_get_id");
        IsOnline = Get<Plain>("zts_node_is_online");
        Join = Get<OfNetwork>("zts_net_join");
        Leave = Get<OfNetwork>("zts_net_leave");
        Status = Get<OfNetwork>("zts_net_get_status");
        AddressList = Get<Addresses>("zts_addr_get_all");
        Storage = Get<Text>("zts_init_from_storage");
        Port = Get<Descriptor>("zts_init_set_port");
        Handler = Get<SetHandler>("zts_init_set_event_handler");
        NewSocket = Get<Three>("zts_bsd_socket");
        Bind = Get<WithAddress>("zts_bsd_bind");
        Connect = Get<WithAddress>("zts_bsd_connect");
        Listen = Get<Two>("zts_bsd_listen");
        Accept = Get<OutAddress>("zts_bsd_accept");
        LocalName = Get<OutAddress>("zts_bsd_getsockname");
        PeerName = Get<OutAddress>("zts_bsd_getpeername");
        Close = Get<Descriptor>("zts_bsd_close");
        Shutdown = Get<Two>("zts_bsd_shutdown");
        Fcntl = Get<Three>("zts_bsd_fcntl");
        Send = Get<Transfer>("zts_bsd_send");
        Receive = Get<Transfer>("zts_bsd_recv");
        SendTo = Get<TransferTo>("zts_bsd_sendto");
        ReceiveFrom = Get<TransferFrom>("zts_bsd_recvfrom");
        SetOption = Get<SetSocketOption>("zts_bsd_setsockopt");
        GetOption = Get<GetSocketOption>("zts_bsd_getsockopt");
        PollAll = Get<PollCall>("zts_bsd_poll");
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int Plain();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate ulong PlainULong();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate int OfNetwork(ulong network);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate int Addresses(ulong network, byte[] buffer, ref uint count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate int Text([MarshalAs(UnmanagedType.LPUTF8Str)] string text);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate void OnEvent(nint message);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate int SetHandler(OnEvent handler);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int Descriptor(int fd);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int Two(int fd, int value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int Three(int a, int b, int c);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int WithAddress(int fd, byte[] address, uint length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int OutAddress(int fd, byte[] address, ref uint length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate nint Transfer(int fd, byte[] buffer, nuint length, int flags);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate nint TransferTo(int fd, byte[] buffer, nuint length, int flags, byte[] address, uint addressLength);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate nint TransferFrom(int fd, byte[] buffer, nuint length, int flags, byte[] address, ref uint addressLength);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int SetSocketOption(int fd, int level, int name, int[] value, uint length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int GetSocketOption(int fd, int level, int name, ref int value, ref uint length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl, SetLastError = true)]
    public delegate int PollCall([In, Out] PollEntry[] entries, uint count, int timeout);

    public DoubleControl Control { get; }

    public Plain Start { get; }

    public Plain Stop { get; }

    public Plain Free { get; }

    public PlainULong Id { get; }

    public Plain IsOnline { get; }

    public OfNetwork Join { get; }

    public OfNetwork Leave { get; }

    public OfNetwork Status { get; }

    public Addresses AddressList { get; }

    public Text Storage { get; }

    public Descriptor Port { get; }

    public SetHandler Handler { get; }

    public Three NewSocket { get; }

    public WithAddress Bind { get; }

    public WithAddress Connect { get; }

    public Two Listen { get; }

    public OutAddress Accept { get; }

    public OutAddress LocalName { get; }

    public OutAddress PeerName { get; }

    public Descriptor Close { get; }

    public Two Shutdown { get; }

    public Three Fcntl { get; }

    public Transfer Send { get; }

    public Transfer Receive { get; }

    public TransferTo SendTo { get; }

    public TransferFrom ReceiveFrom { get; }

    public SetSocketOption SetOption { get; }

    public GetSocketOption GetOption { get; }

    public PollCall PollAll { get; }

    /// <summary>The thread's errno after the call before.</summary>
    public static int Errno => Marshal.GetLastPInvokeError();

    /// <summary>The process-wide variable.</summary>
    public int ZtsErrno => Marshal.ReadInt32(NativeLibrary.GetExport(Control.Handle, "zts_errno"));

    public T Get<T>(string name)
        where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(Control.Handle, name));

    /// <summary>Starts the node, joins the network and waits for the address.</summary>
    public void Up()
    {
        Assert.Equal(0, Start());
        Until(() => Id() is not 0 and not NotRunning);
        Assert.Equal(0, Join(Network));
        Until(() => TryAddress(0, out _));
    }

    /// <summary>The node's address on the network, with a port.</summary>
    public byte[] Address(int port)
    {
        Assert.True(TryAddress(port, out byte[] address));
        return address;
    }

    public int Socket(int type = 1)
    {
        int fd = NewSocket(10, type, 0);
        Assert.True(fd >= 0);
        Assert.Equal(0, Fcntl(fd, 4, 1));
        return fd;
    }

    public short Poll(int fd, short events, int timeout = 5000)
    {
        PollEntry[] entries = [new() { Descriptor = fd, Events = events }];
        return PollAll(entries, 1, timeout) > 0 ? entries[0].Result : (short)0;
    }

    public int Error(int fd)
    {
        int value = -1;
        uint length = 4;
        return GetOption(fd, 0xfff, 0x1007, ref value, ref length) == 0 ? value : -1;
    }

    /// <summary>A connection from another copy to this one: our descriptor and the other's.</summary>
    public (int Accepted, int Connected) Pair(RawDouble client, int backlog = 10)
    {
        int listener = Socket();
        Assert.Equal(0, Bind(listener, Address(0), 28));
        Assert.Equal(0, Listen(listener, backlog));
        byte[] name = new byte[28];
        uint length = 28;
        Assert.Equal(0, LocalName(listener, name, ref length));
        int connecting = client.Socket();
        client.Begin(connecting, name);
        Assert.Equal(2, client.Poll(connecting, 2));
        Assert.Equal(1, Poll(listener, 1));
        int accepted = Accept(listener, name, ref length);
        Assert.True(accepted >= 0);
        Assert.Equal(0, Fcntl(accepted, 4, 1));
        Assert.Equal(0, Close(listener));
        return (accepted, connecting);
    }

    /// <summary>Begins to connect, waiting for the end of duplicate address detection.</summary>
    public void Begin(int fd, byte[] to)
    {
        Until(() => Connect(fd, to, 28) == -1 && Errno != 113);
        Assert.Equal(115, Errno);
    }

    public static byte[] WithPort(byte[] address, int port)
    {
        byte[] copy = (byte[])address.Clone();
        BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(2), (ushort)port);
        return copy;
    }

    public static IPAddress Ip(byte[] address) => new(address.AsSpan(8, 16));

    public static void Until(Func<bool> condition)
    {
        long limit = Environment.TickCount64 + 20_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < limit, "The condition never came true.");
            Assert.False(TestContext.Current.CancellationToken.WaitHandle.WaitOne(2));
        }
    }

    public void Dispose()
    {
        Control.Reset();
        lock (Gate)
        {
            Pool.Push(Control);
        }
    }

    private bool TryAddress(int port, out byte[] address)
    {
        byte[] all = new byte[16 * 28];
        uint count = 16;
        bool found = AddressList(Network, all, ref count) == 0;
        address = WithPort(all[..28], port);
        return found;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Result;
    }
}
