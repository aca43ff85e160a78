using System.Collections.Immutable;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>A set of valid credentials of one member, as rules see them. The caller has selected the valid ones. Immutable.</summary>
internal sealed class CredentialView : IMemberCredentials
{
    private readonly ImmutableArray<OwnershipCertificate> _ownership;

    public CredentialView(IEnumerable<Credential> credentials)
    {
        Credential[] all = [.. credentials];
        Capability[] capabilities = [.. all.OfType<Capability>().OrderBy(c => c.Id)];
        Capabilities = [.. capabilities.Select(c => c.Rules)];
        CapabilityIds = [.. capabilities.Select(c => c.Id)];
        Tags = [.. all.OfType<Tag>().OrderBy(t => t.Id)];
        _ownership = [.. all.OfType<OwnershipCertificate>()];
    }

    public ImmutableArray<RuleTable> Capabilities { get; }

    /// <summary>The IDs of <see cref="Capabilities"/>, in their order.</summary>
    public ImmutableArray<uint> CapabilityIds { get; }

    public bool IsEmpty => Tags.IsEmpty && Capabilities.IsEmpty && _ownership.IsEmpty;

    public bool StatesOwnership => !_ownership.IsEmpty;

    /// <summary>The tags, in ascending order of ID.</summary>
    public ImmutableArray<Tag> Tags { get; }

    public bool TryGetTag(uint id, out uint value)
    {
        foreach (Tag tag in Tags)
        {
            if (tag.Id == id)
            {
                value = tag.Value;
                return true;
            }
        }

        value = 0;
        return false;
    }

    public bool Owns(in IpAddress address)
    {
        foreach (OwnershipCertificate certificate in _ownership)
        {
            if (certificate.Addresses.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    public bool Owns(MacAddress address)
    {
        foreach (OwnershipCertificate certificate in _ownership)
        {
            if (certificate.MacAddresses.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
