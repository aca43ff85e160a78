using System.Globalization;

namespace Kestrel.Transport.ZeroTier;

/// <summary>
/// The claims that ZeroTier authentication issues, in addition to the framework's name, name identifier (the node ID) and role.
/// </summary>
public static class ZeroTierClaimTypes
{
    /// <summary>The calling node: ten hexadecimal digits.</summary>
    public const string Node = "zerotier:node";

    /// <summary>The network that carries the request: sixteen hexadecimal digits.</summary>
    public const string Network = "zerotier:network";

    /// <summary>A tag that the network's controller has given the node: its ID and value, as in <c>1000=5</c>.</summary>
    public const string Tag = "zerotier:tag";

    /// <summary>Formats the value of a tag claim.</summary>
    internal static string TagValue(uint tag, uint value) => string.Create(CultureInfo.InvariantCulture, $"{tag}={value}");
}
