
namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>
/// An unknown node whose HELLO has a valid MAC: it holds the private key of the identity that it shows. The proof of work is still to be
/// checked.
/// </summary>
internal sealed class Newcomer(in HelloMessage hello, SessionKeys keys, in PacketInfo info) : IDisposable
{
    public HelloMessage Hello { get; } = hello;

    public NodeIdentity Identity => Hello.Identity;

    public SessionKeys Keys { get; } = keys;

    /// <summary>How its HELLO came.</summary>
    public PacketInfo Info { get; } = info;

    /// <summary>The ID of the HELLO that we sent to its address, and that an OK from there must quote.</summary>
    public ulong Challenge { get; set; }

    /// <summary>When that was.</summary>
    public long ChallengedAt { get; set; }

    /// <summary>It has answered: its address is not forged.</summary>
    public bool HasAnswered { get; set; }

    /// <summary>Where it is, for what is kept per newcomer.</summary>
    public (NodeId Id, InetEndPoint EndPoint) Key => (Identity.Address, Info.Source);

    public void Dispose() => Keys.Dispose();
}
