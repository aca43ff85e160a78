namespace ZeroTier.Managed.Net;

/// <summary>The EtherTypes that the stack supports.</summary>
internal static class EtherTypes
{
    public const ushort IPv4 = 0x0800;
    public const ushort Arp = 0x0806;
    public const ushort IPv6 = 0x86dd;
}
