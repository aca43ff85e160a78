namespace ZeroTier.Managed.Vl2.Credentials;

/// <summary>Types of credentials, with the values that revocations use (docs/protocol/3-vl2.md 3.5.1).</summary>
internal enum CredentialType : byte
{
    Membership = 1,
    Capability = 2,
    Tag = 3,
    Ownership = 4,
    Revocation = 6,
}
