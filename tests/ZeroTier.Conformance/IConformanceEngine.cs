using System.Net.Sockets;

namespace ZeroTier.Conformance;

/// <summary>What an engine supplies to be tested: nodes that find each other.</summary>
public interface IConformanceEngine
{
    /// <summary>Two running nodes, joined to one network that is ready on both.</summary>
    Task<NodePair> StartPairAsync(CancellationToken cancellationToken);
}

/// <summary>Two nodes on one network. Disposal ends them and everything that was made for them.</summary>
public abstract class NodePair : IAsyncDisposable
{
    /// <summary>The node that listens in most tests.</summary>
    public abstract ZeroTierNode Server { get; }

    /// <summary>The node that connects in most tests.</summary>
    public abstract ZeroTierNode Client { get; }

    /// <summary>The network that both have joined.</summary>
    public abstract NetworkId Network { get; }

    /// <summary>The family of the addresses that the tests talk over; unspecified for whatever comes first.</summary>
    public virtual AddressFamily Family => AddressFamily.Unspecified;

    /// <summary>Another network that can be joined.</summary>
    public abstract NetworkId OtherNetwork { get; }

    /// <summary>A network that cannot become usable, and says so.</summary>
    public abstract NetworkId ImpossibleNetwork { get; }

    /// <summary>What the server has logged of the application's failures.</summary>
    public virtual FaultLog ServerFaults { get; } = new();

    /// <summary>Whether datagrams and segments are counted, and bytes with their headers; else only the bytes of sockets.</summary>
    public virtual bool CountsPackets => true;

    /// <summary>Whether a peer is known as soon as a connection with it is there; else a little later.</summary>
    public virtual bool KnowsPeersAtOnce => true;

    /// <summary>Why sockets cannot join multicast groups on <see cref="Network"/>; null where they can.</summary>
    public virtual ZeroTierError? GroupsRefused => null;

    /// <summary>
    /// Makes the running server fail by itself; it can be started again after <see cref="HealServer"/>. Null where that cannot be done.
    /// </summary>
    public virtual Action? FailServer => null;

    /// <summary>What made the server fail is no more.</summary>
    public virtual void HealServer()
    {
    }

    /// <summary>A further node, not started, with its own identity and no networks. The pair disposes it.</summary>
    public abstract ZeroTierNode CreateNode();

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}
