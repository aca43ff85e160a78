using System.Collections.Immutable;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>A set of credentials as rules see them. Whoever makes it has chosen those that count. Immutable.</summary>
internal sealed class CredentialView : IMemberCredentials
{
    private readonly ImmutableArray<OwnershipCertificate> _ownership;

    public CredentialView(IEnumerable<Credential> credentials)
    {
        Credential[] all = [.. credentials];
        Capabilities = [.. all.OfType<Capability>().OrderBy(c => c.Id).Select(c => c.Rules)];
        Tags = [.. all.OfType<Tag>().OrderBy(t => t.Id)];
        _ownership = [.. all.OfType<OwnershipCertificate>()];
    }

    public ImmutableArray<RuleTable> Capabilities { get; }

    public bool StatesOwnership => !_ownership.IsEmpty;

    /// <summary>The tags, by rising ID.</summary>
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
