using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>A member's status and valid credentials under one configuration of ours. Immutable.</summary>
/// <param name="Configuration">The configuration for which it was computed.</param>
/// <param name="IsAllowed">Whether frames may be exchanged with it.</param>
/// <param name="HasIdentity">Whether the member's identity was known when this was computed.</param>
/// <param name="Credentials">Its valid credentials.</param>
internal sealed record MemberView(NetworkConfiguration Configuration, bool IsAllowed, bool HasIdentity, CredentialView Credentials);
