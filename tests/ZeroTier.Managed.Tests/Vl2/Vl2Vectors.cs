using System.Globalization;
using System.Text.Json;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Vl2.Credentials;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>The sections of <c>vl2.json</c>, and the identities that they use.</summary>
internal sealed class Vl2Vectors : ISignerDirectory
{
    private static readonly JsonElement Root = VectorFile.Json("vl2.json");
    private readonly HashSet<NodeId> _known = [];

    private Vl2Vectors()
    {
    }

    /// <summary>Knows all identities of the vectors.</summary>
    public static Vl2Vectors Everybody { get; } = new()
    {
        _known = { Controller.Address, MemberA.Address, MemberB.Address, MemberC.Address, Outsider.Address },
    };

    /// <summary>Knows nobody.</summary>
    public static Vl2Vectors Nobody { get; } = new();

    public static NodeIdentity Controller => Identity("controller");

    public static NodeIdentity MemberA => Identity("member_a");

    public static NodeIdentity MemberB => Identity("member_b");

    public static NodeIdentity MemberC => Identity("member_c");

    public static NodeIdentity Outsider => Identity("outsider");

    public static NetworkId Network { get; } = NetworkId.Parse(Root.GetProperty("common").GetProperty("network_id").GetString()!);

    public static ulong Clock { get; } = Root.GetProperty("common").GetProperty("clock").GetUInt64();

    public static IEnumerable<JsonElement> Section(string name) => Root.GetProperty(name).EnumerateArray();

    public static JsonElement Single(string name) => Root.GetProperty(name);

    public static string Name(JsonElement element) => element.GetProperty("name").GetString()!;

    public static ulong HexNumber(JsonElement element, string property) =>
        ulong.Parse(element.GetProperty(property).GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    public NodeIdentity? Find(NodeId node) => _known.Contains(node)
        ? new[] { Controller, MemberA, MemberB, MemberC, Outsider }.First(i => i.Address == node)
        : null;

    private static NodeIdentity Identity(string name) =>
        NodeIdentity.Parse(Root.GetProperty("identities").GetProperty(name).GetProperty("secret").GetString()!);
}
