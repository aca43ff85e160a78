using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Vl2.Membership;

/// <summary>What counts of a member under one configuration of ours. Immutable.</summary>
/// <param name="Configuration">The configuration that it was made under.</param>
/// <param name="IsAllowed">Whether frames may be exchanged with it.</param>
/// <param name="HasIdentity">The identity was known when this was made.</param>
/// <param name="Credentials">Its credentials that are usable.</param>
internal sealed record MemberView(NetworkConfiguration Configuration, bool IsAllowed, bool HasIdentity, CredentialView Credentials);
