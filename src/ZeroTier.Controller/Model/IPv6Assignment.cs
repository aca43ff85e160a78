namespace ZeroTier.Controller;

/// <summary>The kinds of IPv6 addresses assigned to the members of a network.</summary>
[Flags]
public enum IPv6Assignment
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>An address from the pools.</summary>
    Pool = 1,

    /// <summary>The RFC 4193 address, derived from network and node ID: <c>fd</c>…, /88.</summary>
    Rfc4193 = 2,

    /// <summary>The 6PLANE address, derived from network and node ID: <c>fc</c>…, a /80 for each member.</summary>
    SixPlane = 4,
}
