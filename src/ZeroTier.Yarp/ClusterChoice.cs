namespace ZeroTier.Yarp;

/// <summary>Reads from a cluster's metadata whether its requests go over ZeroTier.</summary>
internal static class ClusterChoice
{
    /// <summary>The metadata key.</summary>
    public const string Key = "ZeroTier";

    /// <summary>True for ZeroTier, false for sockets, null to decide by each destination's host.</summary>
    /// <exception cref="FormatException">The value is neither true nor false.</exception>
    public static bool? Of(IReadOnlyDictionary<string, string>? metadata) => metadata?.GetValueOrDefault(Key) is not { } text ? null
        : bool.TryParse(text, out bool choice) ? choice
        : throw new FormatException(
            $"The metadata {Key} are '{text}'. Use true to send the cluster's requests over ZeroTier, false for sockets, or leave it out "
            + "to go by each destination's host.");
}
