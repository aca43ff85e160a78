namespace ZeroTier.Managed.IpStack;

/// <summary>An address of ours and the length of its on-link prefix.</summary>
/// <param name="Address">Our address.</param>
/// <param name="PrefixLength">0 to 32 or 128 bits.</param>
internal readonly record struct IpInterfaceAddress(IpAddress Address, int PrefixLength);
