namespace ZeroTier.Engines;

/// <summary>Errors that are the same on every engine.</summary>
internal static class NodeErrors
{
    public static ZeroTierException NotJoined(NetworkId network) => new(
        ZeroTierError.NetworkNotJoined, $"Network {network} is not joined. Join it first: add it to Networks, or call JoinAsync.");
}
