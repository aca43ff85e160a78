
namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>
/// An unknown node whose HELLO has a valid MAC, so that it holds the private key of the identity in it. The identity's proof of work is
/// not checked yet.
/// </summary>
internal sealed class Newcomer(in HelloMessage hello, SessionKeys keys, in PacketInfo info) : IDisposable
{
    public HelloMessage Hello { get; } = hello;

    public NodeIdentity Identity => Hello.Identity;

    public SessionKeys Keys { get; } = keys;

    /// <summary>Source and packet ID of its HELLO.</summary>
    public PacketInfo Info { get; } = info;

    /// <summary>The packet ID of the HELLO that we sent to its source address; its OK must quote it.</summary>
    public ulong Challenge { get; set; }

    /// <summary>When that HELLO was sent.</summary>
    public long ChallengedAt { get; set; }

    /// <summary>It has answered: its source address is validated.</summary>
    public bool HasAnswered { get; set; }

    /// <summary>Its key in <see cref="ChallengeTable"/>.</summary>
    public (NodeId Id, InetEndPoint EndPoint) Key => (Identity.Address, Info.Source);

    public void Dispose() => Keys.Dispose();
}
