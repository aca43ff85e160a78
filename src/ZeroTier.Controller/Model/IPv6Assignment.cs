namespace ZeroTier.Controller;

/// <summary>Which IPv6 addresses the members of a network get.</summary>
[Flags]
public enum IPv6Assignment
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>One from the pools.</summary>
    Pool = 1,

    /// <summary>The one of RFC 4193, which follows from network and node: <c>fd</c>…, /88.</summary>
    Rfc4193 = 2,

    /// <summary>The one of 6PLANE, which follows from network and node: <c>fc</c>…, a /80 for each member.</summary>
    SixPlane = 4,
}
