using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>
/// Reads <c>AllowedNodes</c> and <c>AllowedNetworks</c>, of all endpoints or of one. A list that is present but empty is an error, because
/// an empty list allows everybody.
/// </summary>
internal static class AllowedSettings
{
    public const string Nodes = nameof(ZeroTierOptions.AllowedNodes);
    public const string Networks = nameof(ZeroTierOptions.AllowedNetworks);

    private delegate bool Parse<T>(string? text, out T value);

    /// <summary>Adds the nodes and networks of the lists.</summary>
    public static void Read(SectionReader reader, ICollection<NodeId> nodes, ICollection<NetworkId> networks)
    {
        Read(reader, Nodes, NodeId.TryParse, nodes, "8056c2e21c");
        Read(reader, Networks, NetworkId.TryParse, networks, NodeOptionsValidator.NetworkExample);
    }

    private static void Read<T>(SectionReader reader, string key, Parse<T> parse, ICollection<T> into, string example)
    {
        string[] texts = [.. reader.List(key)];
        if (texts.Length == 0 && reader.Has(key))
        {
            reader.Report(
                $"{reader.Path}:{key} is empty, so that nobody could call. List who may, for example {example}, or remove the setting to "
                + "let in every member of the network.");
        }

        foreach (string text in texts)
        {
            if (parse(text, out T value))
            {
                into.Add(value);
            }
            else
            {
                reader.Wrong(key, text, example);
            }
        }
    }
}
