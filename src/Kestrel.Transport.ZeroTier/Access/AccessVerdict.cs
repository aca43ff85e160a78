namespace Kestrel.Transport.ZeroTier.Access;

/// <summary>Whether a connection may be served, and why not.</summary>
internal enum AccessVerdict
{
    /// <summary>It may be served.</summary>
    Allowed,

    /// <summary>The list does not name its node.</summary>
    OtherNode,

    /// <summary>The list does not name its network.</summary>
    OtherNetwork,

    /// <summary>The list names nodes, but the engine cannot prove which node the connection comes from.</summary>
    Unproven,

    /// <summary>It came over an ordinary socket, and the list names nodes or networks.</summary>
    OrdinarySocket,
}
