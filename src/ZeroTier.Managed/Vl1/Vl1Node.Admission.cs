using System.Buffers.Binary;
using ZeroTier.Managed.Vl1.Admission;

namespace ZeroTier.Managed.Vl1;

/// <content>What the admission of unknown identities needs of the node.</content>
internal sealed partial class Vl1Node : IAdmissionHost
{
    void IAdmissionHost.SendChallenge(Newcomer newcomer)
    {
        using (_control.Enter())
        {
            if (_control.IsDisposed)
            {
                return;
            }

            Span<byte> id = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(id, newcomer.Challenge);
            Span<byte> payload = stackalloc byte[HelloMessage.MaxSize];
            int length = WriteHello(payload, newcomer.Info.Source);
            var (socket, source) = (newcomer.Info.Socket, newcomer.Info.Source);
            _control.EmitWithId(id, newcomer.Keys, newcomer.Identity.Address, Verb.Hello, payload[..length], CipherSuite.Poly1305, socket, source, PathMtu.Base);
        }
    }

    void IAdmissionHost.Admit(Newcomer newcomer)
    {
        Peer? peer;
        using (_control.Enter())
        {
            peer = AddPeer(newcomer.Identity, newcomer.Keys, Now);
        }

        if (peer is null)
        {
            return;
        }

        if (newcomer.HasAnswered)
        {
            // It has answered the challenge from this endpoint, which becomes its first path.
            Received(peer, newcomer.Info, Verb.Ok, trusted: false);
        }

        Earn(peer, newcomer.Info, Verb.Hello);
        AcceptHello(peer, newcomer.Hello, newcomer.Info);
    }

    void IAdmissionHost.OnHelloOfPeer(Peer peer, in HelloMessage hello, Span<byte> packet, in PacketInfo info) => ReceiveHelloOf(peer, hello, packet, info);

    // docs/protocol/2-vl1.md 2.21, as it advises: the answer is encrypted for the newcomer with suite 1, which every version reads.
    void IAdmissionHost.OnCollision(Newcomer newcomer)
    {
        Span<byte> payload = stackalloc byte[10];
        payload[0] = (byte)Verb.Hello;
        BinaryPrimitives.WriteUInt64BigEndian(payload[1..], newcomer.Info.PacketId);
        payload[9] = (byte)ErrorCode.IdentityCollision;
        using (_control.Enter())
        {
            _control.Emit(newcomer.Keys, newcomer.Identity.Address, Verb.Error, payload, CipherSuite.Salsa20Poly1305, newcomer.Info.Socket, newcomer.Info.Source, PathMtu.Base);
            long now = Now;
            if (now - _lastCollisionWarning >= Vl1Timing.CollisionWarning)
            {
                _lastCollisionWarning = now;
                Vl1Log.ForeignCollision(_log, newcomer.Identity.Address, newcomer.Info.Source);
            }
        }
    }

    void IAdmissionHost.OnFailed(Exception exception)
    {
        Drops.Add(DropReason.Internal);
        Vl1Log.AdmissionFailed(_log, exception);
    }
}
