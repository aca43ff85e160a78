namespace Kestrel.Transport.ZeroTier.Access;

/// <summary>Whether a connection may be served, and why not.</summary>
internal enum AccessVerdict
{
    /// <summary>It may.</summary>
    Allowed,

    /// <summary>The list does not name its node.</summary>
    OtherNode,

    /// <summary>The list does not name its network.</summary>
    OtherNetwork,

    /// <summary>The list names nodes, and nothing proves which one this is.</summary>
    Unproven,
}
