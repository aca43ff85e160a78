using ZeroTier.Managed;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>A node that carries the controller and reaches nobody.</summary>
internal sealed class SilentPort(NodeIdentity identity) : IControllerPort
{
    public NodeIdentity Identity => identity;

    public void Reply(ControllerRequest request, ReadOnlyMemory<byte> dictionary)
    {
    }

    public void Refuse(ControllerRequest request, ControllerRefusal reason, ReadOnlyMemory<byte> dictionary)
    {
    }

    public void Push(NetworkId network, NodeId member, ReadOnlyMemory<byte> dictionary)
    {
    }

    public void Revoke(NodeId member, ReadOnlyMemory<byte> revocation)
    {
    }
}
