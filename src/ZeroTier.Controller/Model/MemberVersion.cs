namespace ZeroTier.Controller;

/// <summary>The software version of a node, as reported by the node. Immutable.</summary>
/// <param name="Major">Major version.</param>
/// <param name="Minor">Minor version.</param>
/// <param name="Revision">Revision.</param>
/// <param name="Protocol">Protocol version.</param>
public readonly record struct MemberVersion(int Major, int Minor, int Revision, int Protocol);
