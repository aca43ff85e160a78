using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using ZeroTier.Managed;

namespace ZeroTier.Controller.Json;

/// <summary>The member object of the HTTP API (docs/protocol/5-http-api.md 5.5.4).</summary>
internal static class MemberJson
{
    // The last two lines are computed values that programs send back with a member; they are never stored.
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "id", "address", "nwid", "objtype", "creationTime", "revision", "authorized", "activeBridge", "noAutoAssignIps", "ipAssignments",
        "tags",
            "capabilities", "name",
        "identity", "lastAuthorizedTime", "lastDeauthorizedTime", "lastAuthorizedCredentialType", "lastAuthorizedCredential", "vMajor",
        "vMinor", "vRev",
            "vProto",
        "authenticationExpiryTime", "ssoExempt", "remoteTraceTarget", "remoteTraceLevel",
        "clock", "physicalAddr", "recentLog", "lastModified", "lastRequestMetaData", "authenticationURL", "authenticationClientID");

    public static void Write(Utf8JsonWriter writer, ControllerMember member)
    {
        writer.WriteStartObject();
        writer.WriteString("id", member.Node.ToString());
        writer.WriteString("address", member.Node.ToString());
        writer.WriteString("nwid", member.Network.ToString());
        writer.WriteString("objtype", "member");
        writer.WriteTime("creationTime", member.CreationTime);
        writer.WriteNumber("revision", member.Revision);
        if (member.Name is { } name)
        {
            writer.WriteString("name", name);
        }

        writer.WriteBoolean("authorized", member.IsAuthorized);
        writer.WriteBoolean("activeBridge", member.IsActiveBridge);
        writer.WriteBoolean("noAutoAssignIps", !member.AssignsAddresses);
        writer.WriteStartArray("ipAssignments");
        foreach (IPAddress address in member.Addresses)
        {
            writer.WriteStringValue(address.ToString());
        }

        writer.WriteEndArray();
        writer.WriteStartArray("tags");
        foreach ((uint id, uint value) in member.Tags)
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(id);
            writer.WriteNumberValue(value);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("capabilities");
        foreach (uint id in member.Capabilities)
        {
            writer.WriteNumberValue(id);
        }

        writer.WriteEndArray();
        if (member.Identity is { } identity)
        {
            writer.WriteString("identity", identity.ToString());
        }

        writer.WriteTime("lastAuthorizedTime", member.LastAuthorizedTime);
        writer.WriteTime("lastDeauthorizedTime", member.LastDeauthorizedTime);
        writer.WriteString("lastAuthorizedCredentialType", member.AuthorizedBy switch
        {
            AuthorizationSource.Administrator => "api",
            AuthorizationSource.PublicNetwork => "public",
            AuthorizationSource.Token => "token",
            _ => null,
        });
        writer.WriteString("lastAuthorizedCredential", member.AuthorizationToken);
        writer.WriteNumber("vMajor", member.Version?.Major ?? -1);
        writer.WriteNumber("vMinor", member.Version?.Minor ?? -1);
        writer.WriteNumber("vRev", member.Version?.Revision ?? -1);
        writer.WriteNumber("vProto", member.Version?.Protocol ?? -1);
        writer.WriteTime("authenticationExpiryTime", member.LoginExpiryTime);
        writer.WriteBoolean("ssoExempt", member.IsLoginExempt);
        writer.WriteString("remoteTraceTarget", member.RemoteTraceTarget);
        writer.WriteNumber("remoteTraceLevel", member.RemoteTraceLevel);
        writer.WriteRest(member.Extensions, Known);
        writer.WriteEndObject();
    }

    public static ControllerMember Read(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object ||
            !NodeId.TryParse(element.TextOrNull("id") ?? element.TextOrNull("address"), out NodeId node) ||
            !NetworkId.TryParse(element.TextOrNull("nwid"), out NetworkId network))
        {
            throw new JsonException("A member is an object with an \"id\" of 10 and an \"nwid\" of 16 hexadecimal digits.");
        }

        return new ControllerMember
        {
            Network = network,
            Node = node,
            CreationTime = element.TimeOrNull("creationTime") ?? default,
            Revision = element.NumberOrNull("revision") ?? 1,
            Name = element.TextOrNull("name"),
            IsAuthorized = element.TruthOrNull("authorized") ?? false,
            IsActiveBridge = element.TruthOrNull("activeBridge") ?? false,
            AssignsAddresses = !(element.TruthOrNull("noAutoAssignIps") ?? false),
            Addresses = [.. element.Items("ipAssignments").Select(ReadAddress).OfType<IPAddress>()],
            Tags = ReadTags(element),
            Capabilities = [
            .. element.Items("capabilities").Where(i => i.ValueKind == JsonValueKind.Number && i.TryGetUInt32(out _)).Select(i =>
                i.GetUInt32())],
            Identity = NodeIdentity.TryParse(element.TextOrNull("identity"), out NodeIdentity? identity) && identity.Address == node
                ? identity
                : null,
            LastAuthorizedTime = element.TimeOrNull("lastAuthorizedTime"),
            LastDeauthorizedTime = element.TimeOrNull("lastDeauthorizedTime"),
            AuthorizedBy = element.TextOrNull("lastAuthorizedCredentialType") switch
            {
                "api" => AuthorizationSource.Administrator,
                "public" => AuthorizationSource.PublicNetwork,
                "token" => AuthorizationSource.Token,
                _ => AuthorizationSource.None,
            },
            AuthorizationToken = element.TextOrNull("lastAuthorizedCredential"),
            Version = ReadVersion(element),
            LoginExpiryTime = element.TimeOrNull("authenticationExpiryTime"),
            IsLoginExempt = element.TruthOrNull("ssoExempt") ?? false,
            RemoteTraceTarget = element.TextOrNull("remoteTraceTarget"),
            RemoteTraceLevel = element.NumberOrNull("remoteTraceLevel") ?? 0,
            Extensions = element.Rest(Known),
        };
    }

    private static IPAddress? ReadAddress(JsonElement element) =>
        element.ValueKind == JsonValueKind.String && IPAddress.TryParse(element.GetString()!.Split('/')[0], out IPAddress? address)
            ? address
            : null;

    private static ImmutableSortedDictionary<uint, uint> ReadTags(JsonElement element)
    {
        var tags = ImmutableSortedDictionary.CreateBuilder<uint, uint>();
        foreach (JsonElement pair in element.Items("tags"))
        {
            if (pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2 && pair[0].ValueKind == JsonValueKind.Number &&
                pair[1].ValueKind == JsonValueKind.Number &&
                pair[0].TryGetInt64(out long id) && pair[1].TryGetInt64(out long value))
            {
                tags[(uint)id] = (uint)value;
            }
        }

        return tags.ToImmutable();
    }

    private static MemberVersion? ReadVersion(JsonElement element) =>
        element.NumberOrNull("vMajor") is >= 0 and <= int.MaxValue and var major &&
        element.NumberOrNull("vMinor") is >= 0 and <= int.MaxValue and var minor &&
        element.NumberOrNull("vRev") is >= 0 and <= int.MaxValue and var revision &&
        element.NumberOrNull("vProto") is >= 0 and <= int.MaxValue and var protocol
            ? new MemberVersion((int)major, (int)minor, (int)revision, (int)protocol)
            : null;
}
