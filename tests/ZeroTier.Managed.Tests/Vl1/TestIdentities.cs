using System.Text.Json;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>The throw-away identities of the vector files, all with their private keys.</summary>
internal static class TestIdentities
{
    private static readonly Lazy<NodeIdentity[]> LazyAll = new(Load);

    /// <summary>Distinct identities with valid addresses.</summary>
    public static IReadOnlyList<NodeIdentity> All => LazyAll.Value;

    /// <summary>The identities of one trace, by role.</summary>
    public static Dictionary<string, NodeIdentity> Of(string file)
    {
        var result = new Dictionary<string, NodeIdentity>();
        foreach (var entry in VectorFile.Json(file).GetProperty("identities").EnumerateObject())
        {
            string text = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : entry.Value.GetProperty("secret").GetString()!;
            result.Add(entry.Name, NodeIdentity.Parse(text));
        }

        return result;
    }

    /// <summary>An identity with an address of one's choice, which its key does not prove: good enough for who is only told of it.</summary>
    public static NodeIdentity At(NodeId address)
    {
        byte[] form = new byte[NodeIdentity.BinarySize];
        All[0].WriteTo(form);
        PacketHeader.WriteAddress(form, address);
        return NodeIdentity.TryRead(form, out var identity, out _) ? identity : throw new InvalidOperationException("Not an identity.");
    }

    private static NodeIdentity[] Load()
    {
        var found = new List<NodeIdentity>();
        foreach (string file in (string[])["vl1-exchanges.json", "trace-adhoc.json", "trace-relay.json"])
        {
            found.AddRange(Of(file).Values);
        }

        foreach (var entry in VectorFile.Json("crypto.json").GetProperty("identities").EnumerateArray())
        {
            found.Add(NodeIdentity.Parse(entry.GetProperty("string_secret").GetString()!));
        }

        return [.. found.DistinctBy(identity => identity.Address)];
    }
}
