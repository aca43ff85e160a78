namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>What a request must show where no policy decides.</summary>
internal enum Entry
{
    /// <summary>The token.</summary>
    Token,

    /// <summary>The token, or the one for the metrics.</summary>
    MetricsToken,

    /// <summary>Nothing, besides that it comes from near.</summary>
    Nearness,
}
