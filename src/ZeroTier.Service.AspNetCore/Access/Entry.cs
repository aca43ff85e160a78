namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>The requirement for requests to an endpoint without an authorization policy.</summary>
internal enum Entry
{
    /// <summary>The token.</summary>
    Token,

    /// <summary>The token, or the metrics token.</summary>
    MetricsToken,

    /// <summary>No token; the request only must come from this machine or a permitted network.</summary>
    Nearness,
}
