using System.Net;
using ZeroTier.Libzt.Tests.Double;

namespace ZeroTier.Libzt.Tests.Sockets;

/// <summary>A stream at the other node, driven call by call. Errors fail the test.</summary>
internal sealed class PeerSocket(RawDouble node, int fd)
{
    public const int Again = 11;

    public int Fd => fd;

    /// <summary>Connects to the loop's node; fails when it is refused.</summary>
    public static PeerSocket Connect(RawDouble node, IPEndPoint to)
    {
        PeerSocket socket = Begin(node, to);
        RawDouble.Until(() => node.Poll(socket.Fd, 2, 100) != 0);
        Assert.Equal(0, node.Error(socket.Fd));
        return socket;
    }

    /// <summary>Begins to connect.</summary>
    public static PeerSocket Begin(RawDouble node, IPEndPoint to)
    {
        int fd = node.Socket();
        node.Begin(fd, AddressOf(to));
        return new PeerSocket(node, fd);
    }

    /// <summary>A listening port of the peer.</summary>
    public static (PeerSocket Socket, int Port) Listen(RawDouble node)
    {
        int fd = node.Socket();
        Assert.Equal(0, node.Bind(fd, node.Address(0), 28));
        Assert.Equal(0, node.Listen(fd, 100));
        byte[] name = new byte[28];
        uint length = 28;
        Assert.Equal(0, node.LocalName(fd, name, ref length));
        return (new PeerSocket(node, fd), name[2] << 8 | name[3]);
    }

    public PeerSocket Accept()
    {
        int accepted = -1;
        byte[] name = new byte[28];
        RawDouble.Until(() =>
        {
            uint length = 28;
            accepted = node.Accept(fd, name, ref length);
            return accepted >= 0;
        });
        Assert.Equal(0, node.Fcntl(accepted, 4, 1));
        return new PeerSocket(node, accepted);
    }

    public void Send(byte[] data)
    {
        int offset = 0;
        RawDouble.Until(() =>
        {
            nint sent = node.Send(fd, data[offset..], (nuint)(data.Length - offset), 0);
            Assert.True(sent >= 0 || RawDouble.Errno == Again, $"The peer's send failed with {RawDouble.Errno}.");
            offset += Math.Max(0, (int)sent);
            return offset == data.Length;
        });
    }

    /// <summary>Exactly so many bytes.</summary>
    public byte[] Receive(int count)
    {
        byte[] data = new byte[count];
        int offset = 0;
        byte[] buffer = new byte[64 * 1024];
        RawDouble.Until(() =>
        {
            nint n = count == offset ? 0 : node.Receive(fd, buffer, (nuint)Math.Min(buffer.Length, count - offset), 0);
            Assert.True(
                n > 0 || count == offset || n < 0 && RawDouble.Errno == Again,
                $"The peer's receive gave {n} with {RawDouble.Errno} after {offset} of {count} bytes.");
            buffer.AsSpan(0, Math.Max(0, (int)n)).CopyTo(data.AsSpan(offset));
            offset += Math.Max(0, (int)n);
            return offset == count;
        });
        return data;
    }

    /// <summary>Reads until the end: 0 for FIN, else the error.</summary>
    public (long Bytes, int Error) ReceiveToEnd()
    {
        long total = 0;
        int error = -1;
        byte[] buffer = new byte[64 * 1024];
        RawDouble.Until(() =>
        {
            nint n;
            while ((n = node.Receive(fd, buffer, (nuint)buffer.Length, 0)) > 0)
            {
                total += n;
            }

            error = n == 0 ? 0 : RawDouble.Errno;
            return error != Again;
        });
        return (total, error);
    }

    public int TryReceive(byte[] buffer) => (int)node.Receive(fd, buffer, (nuint)buffer.Length, 0);

    public void Shutdown() => Assert.Equal(0, node.Shutdown(fd, 1));

    public void Close() => Assert.Equal(0, node.Close(fd));

    /// <summary>The other end has reset the connection, before or after it was complete.</summary>
    public void WaitForReset() => RawDouble.Until(() => (node.Poll(fd, 0, 100) & 4) != 0);

    /// <summary>Closes with a reset, whatever the connection's state.</summary>
    public void Reset()
    {
        foreach (int option in new[] { 3, 4, 5 })
        {
            Assert.Equal(0, node.SetOption(fd, 6, option, [0], 4));
        }

        Assert.Equal(0, node.SetOption(fd, 0xfff, 8, [1], 4));
        RawDouble.Until(() => (node.Poll(fd, 0, 100) & 4) != 0);
        Close();
    }

    private static byte[] AddressOf(IPEndPoint to)
    {
        byte[] address = new byte[28];
        address[0] = 28;
        address[1] = 10;
        address[2] = (byte)(to.Port >> 8);
        address[3] = (byte)to.Port;
        to.Address.GetAddressBytes().CopyTo(address, 8);
        return address;
    }
}
