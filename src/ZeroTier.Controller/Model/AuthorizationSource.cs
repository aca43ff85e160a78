namespace ZeroTier.Controller;

/// <summary>How a member was authorised.</summary>
public enum AuthorizationSource
{
    /// <summary>It was never authorised.</summary>
    None,

    /// <summary>By an administrator.</summary>
    Administrator,

    /// <summary>By requesting to join while the network was public.</summary>
    PublicNetwork,

    /// <summary>By a join token.</summary>
    Token,
}
