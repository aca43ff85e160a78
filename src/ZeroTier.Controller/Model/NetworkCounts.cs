namespace ZeroTier.Controller;

/// <summary>The number of members of a network. Immutable.</summary>
/// <param name="Total">All records, including nodes that are not authorised.</param>
/// <param name="Authorized">Authorised members.</param>
/// <param name="Online">Authorised members whose last request was within the last two minutes.</param>
public readonly record struct NetworkCounts(int Total, int Authorized, int Online);
