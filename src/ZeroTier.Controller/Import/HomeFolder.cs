namespace ZeroTier.Controller.Import;

/// <summary>The file layout of a controller in ZeroTierOne's home folder (docs/protocol/5-http-api.md 5.8).</summary>
internal static class HomeFolder
{
    public const string StoreName = "controller.d";
    public const string NetworksName = "network";
    public const string MembersName = "member";
    public const string Extension = ".json";

    public static string NetworkFile(NetworkId network) => Path.Combine(NetworksName, network + Extension);

    public static string MemberFolder(NetworkId network) => Path.Combine(NetworksName, network.ToString(), MembersName);

    public static string MemberFile(NetworkId network, NodeId node) => Path.Combine(MemberFolder(network), node + Extension);
}
