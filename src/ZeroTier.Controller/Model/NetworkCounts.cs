namespace ZeroTier.Controller;

/// <summary>How many members a network has. Immutable.</summary>
/// <param name="Total">Records, those of nodes that wait included.</param>
/// <param name="Authorized">Members that are let in.</param>
/// <param name="Online">Members that are let in and have asked within the last two minutes.</param>
public readonly record struct NetworkCounts(int Total, int Authorized, int Online);
