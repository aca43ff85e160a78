using System.Collections.Immutable;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>Says that a member owns IP and Ethernet addresses (chapter 3.5.5). Immutable.</summary>
internal sealed class OwnershipCertificate
{
    /// <summary>The certificate as it came, to be shown to others.</summary>
    public required ReadOnlyMemory<byte> Encoded { get; init; }

    public required NetworkId Network { get; init; }

    /// <summary>When it was issued: the controller's clock in milliseconds.</summary>
    public required ulong Timestamp { get; init; }

    public required uint Id { get; init; }

    public required ImmutableArray<IpAddress> Addresses { get; init; }

    public required ImmutableArray<MacAddress> MacAddresses { get; init; }

    public required NodeId IssuedTo { get; init; }

    public required NodeId SignedBy { get; init; }
}
