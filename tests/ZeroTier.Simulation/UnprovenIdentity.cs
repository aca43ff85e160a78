using ZeroTier.Managed;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.Vl1.Packets;

namespace ZeroTier.Simulation;

/// <summary>
/// Identities without a proof of work: a key pair and an address of one's choice. Only nodes that do not check the proof accept them, for
/// example those that have them in their peer cache. Made in well under a millisecond.
/// </summary>
public static class UnprovenIdentity
{
    /// <summary>Creates an identity with its private key.</summary>
    public static NodeIdentity Create(SeededRandom random, NodeId address)
    {
        ArgumentNullException.ThrowIfNull(random);
        byte[] form = new byte[NodeIdentity.BinarySize + NodeIdentity.PrivateKeySize];
        PacketHeader.WriteAddress(form, address);
        var secret = form.AsSpan(NodeIdentity.BinarySize);
        random.Fill(secret);
        X25519.PublicKey(secret[..32], form.AsSpan(6));
        Ed25519.PublicKey(secret[32..], form.AsSpan(38));
        form[NodeIdentity.BinarySize - 1] = NodeIdentity.PrivateKeySize;
        return NodeIdentity.TryRead(form, out var identity, out _)
            ? identity
            : throw new ArgumentException("Not an address.", nameof(address));
    }
}
