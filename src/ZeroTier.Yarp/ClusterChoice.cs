namespace ZeroTier.Yarp;

/// <summary>What a cluster's metadata say about the way of its requests.</summary>
internal static class ClusterChoice
{
    /// <summary>The key in the metadata.</summary>
    public const string Key = "ZeroTier";

    /// <summary>True for the node, false for sockets, null where each host decides for itself.</summary>
    /// <exception cref="FormatException">The metadata say something else.</exception>
    public static bool? Of(IReadOnlyDictionary<string, string>? metadata) => metadata?.GetValueOrDefault(Key) is not { } text ? null
        : bool.TryParse(text, out bool choice) ? choice
        : throw new FormatException(
            $"The metadata {Key} are '{text}'. Use true to send the cluster's requests over ZeroTier, false for sockets, or leave it out "
            + "to go by each destination's host.");
}
