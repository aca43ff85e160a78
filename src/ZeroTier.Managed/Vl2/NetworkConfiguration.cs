using ZeroTier.Managed.IpStack;

namespace ZeroTier.Managed.Vl2;

/// <summary>What a member knows about a network once it is configured (chapter 3.4). Immutable.</summary>
internal sealed record NetworkConfiguration(NetworkId Id, string Name, int Mtu, bool IsPublic, IPacketFilter Filter, PortRange OpenPorts, IReadOnlyList<IpInterfaceAddress> Addresses);
