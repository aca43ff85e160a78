namespace ZeroTier.Controller;

/// <summary>By what a member was authorised.</summary>
public enum AuthorizationSource
{
    /// <summary>It never was.</summary>
    None,

    /// <summary>By an administrator.</summary>
    Administrator,

    /// <summary>By asking: the network was public.</summary>
    PublicNetwork,

    /// <summary>By a join token.</summary>
    Token,
}
