using ZeroTier.Managed;

namespace ZeroTier.Simulation;

/// <summary>What the virtual network did with a datagram.</summary>
public enum DatagramFate
{
    /// <summary>Handed to the receiver.</summary>
    Delivered,

    /// <summary>Lost by chance.</summary>
    Lost,

    /// <summary>The pair is blocked or partitioned.</summary>
    Blocked,

    /// <summary>Larger than the link's MTU.</summary>
    TooBig,

    /// <summary>The link's queue or the receiver's socket buffer was full.</summary>
    QueueFull,

    /// <summary>No host, no open socket, or no NAT mapping there.</summary>
    Unreachable,

    /// <summary>The hop limit ended it.</summary>
    Expired,
}

/// <summary>One datagram as the capture hook sees it, when its fate is known. The data is valid only during the call.</summary>
public readonly ref struct VirtualDatagram
{
    internal VirtualDatagram(TimeSpan time, InetEndPoint source, InetEndPoint destination, DatagramFate fate, ReadOnlySpan<byte> data)
    {
        Time = time;
        Source = source;
        Destination = destination;
        Fate = fate;
        Data = data;
    }

    /// <summary>Virtual time of its end.</summary>
    public TimeSpan Time { get; }

    /// <summary>The source as the receiver sees it (after address translation).</summary>
    public InetEndPoint Source { get; }

    /// <summary>The destination as the sender gave it, or, once delivered, the receiver's own endpoint.</summary>
    public InetEndPoint Destination { get; }

    /// <summary>What became of it.</summary>
    public DatagramFate Fate { get; }

    /// <summary>Its bytes.</summary>
    public ReadOnlySpan<byte> Data { get; }
}

/// <summary>Sees every datagram's end.</summary>
public delegate void DatagramCapture(in VirtualDatagram datagram);
