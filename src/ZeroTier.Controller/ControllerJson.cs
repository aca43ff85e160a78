using System.Buffers;
using System.Text.Json;
using ZeroTier.Controller.Json;

namespace ZeroTier.Controller;

/// <summary>
/// Networks and members as JSON, with the names and types of the HTTP API (docs/protocol/5-http-api.md 5.5.2, 5.5.4). The format of stores
/// and of exchange. Equal records give equal text. Thread-safe.
/// </summary>
public static class ControllerJson
{
    /// <summary>A network as a JSON object in UTF-8.</summary>
    public static byte[] Write(ControllerNetwork network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return Write(network, NetworkJson.Write);
    }

    /// <summary>A member as a JSON object in UTF-8.</summary>
    public static byte[] Write(ControllerMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        return Write(member, MemberJson.Write);
    }

    /// <summary>Writes a network as a JSON object.</summary>
    public static void Write(Utf8JsonWriter writer, ControllerNetwork network)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(network);
        NetworkJson.Write(writer, network);
    }

    /// <summary>Writes a member as a JSON object.</summary>
    public static void Write(Utf8JsonWriter writer, ControllerMember member)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(member);
        MemberJson.Write(writer, member);
    }

    /// <summary>
    /// Reads a network. Values of a wrong type count as missing; unknown names are kept in <see cref="ControllerNetwork.Extensions"/>.
    /// </summary>
    /// <exception cref="JsonException">The text is not a JSON object, or has no network ID.</exception>
    public static ControllerNetwork ReadNetwork(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        return NetworkJson.Read(document.RootElement);
    }

    /// <summary>Reads a network from a JSON element; otherwise as the other overload.</summary>
    /// <exception cref="JsonException">The element is not a JSON object, or has no network ID.</exception>
    public static ControllerNetwork ReadNetwork(JsonElement element) => NetworkJson.Read(element);

    /// <summary>
    /// Reads a member. Values of a wrong type count as missing; unknown names are kept in <see cref="ControllerMember.Extensions"/>.
    /// </summary>
    /// <exception cref="JsonException">The text is not a JSON object, or lacks network or node.</exception>
    public static ControllerMember ReadMember(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        return MemberJson.Read(document.RootElement);
    }

    /// <summary>Reads a member from a JSON element; otherwise as the other overload.</summary>
    /// <exception cref="JsonException">The element is not a JSON object, or lacks network or node.</exception>
    public static ControllerMember ReadMember(JsonElement element) => MemberJson.Read(element);

    /// <summary>Whether two records are equal except for their revisions.</summary>
    internal static bool AreSame(ControllerNetwork a, ControllerNetwork b) =>
        Write(a with { Revision = 0 }).AsSpan().SequenceEqual(Write(b with { Revision = 0 }));

    /// <summary>Whether two records are equal except for their revisions.</summary>
    internal static bool AreSame(ControllerMember a, ControllerMember b) =>
        Write(a with { Revision = 0 }).AsSpan().SequenceEqual(Write(b with { Revision = 0 }));

    private static byte[] Write<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            write(writer, value);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
