using System.Buffers.Binary;

namespace ZeroTier.Managed.Vl2.Configuration;

/// <summary>The payload of NETWORK_CONFIG_REQUEST, which a member sends to the controller (docs/protocol/3-vl2.md 3.3.2).</summary>
internal static class ConfigurationRequest
{
    private const int ConfigurationVersion = 7;
    private const int Vendor = 1;
    private const int ProtocolVersion = 12;
    private const int MaxRulesPerCapability = 64;
    private const int MaxCapabilities = 128;
    private const int MaxTags = 128;
    private const int RulesEngineRevision = 1;

    /// <summary>The payload of a request.</summary>
    /// <param name="network">The network.</param>
    /// <param name="revision">Revision of the configuration in force; 0 for none.</param>
    /// <param name="timestamp">Its time stamp; 0 for none.</param>
    public static byte[] Encode(NetworkId network, ulong revision, ulong timestamp)
    {
        byte[] metadata = Metadata();
        byte[] payload = new byte[10 + metadata.Length + 16];
        BinaryPrimitives.WriteUInt64BigEndian(payload, network.Value);
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(8), (ushort)metadata.Length);
        metadata.CopyTo(payload.AsSpan(10));
        BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(10 + metadata.Length), revision);
        BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(18 + metadata.Length), timestamp);
        return payload;
    }

    /// <summary>The dictionary that describes this node: versions and limits.</summary>
    public static byte[] Metadata() => new NetworkDictionaryWriter()
        .Add("v", ConfigurationVersion).Add("vend", Vendor).Add("pv", ProtocolVersion)
        .Add("majv", 1).Add("minv", 12).Add("revv", 0)
        .Add("mr", Rules.RuleTable.MaxRules).Add("mc", MaxCapabilities).Add("mcr", MaxRulesPerCapability).Add("mt", MaxTags)
        .Add("f", 0).Add("revr", RulesEngineRevision)
        .ToArray();
}
