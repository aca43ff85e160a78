namespace ZeroTier.Engines;

/// <summary>Errors shared by all engines.</summary>
internal static class NodeErrors
{
    public static ZeroTierException NotJoined(NetworkId network) => new(
        ZeroTierError.NetworkNotJoined, $"Network {network} is not joined. Join it first: add it to Networks, or call JoinAsync.");
}
