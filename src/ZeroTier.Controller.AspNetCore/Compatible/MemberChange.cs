using System.Collections.Immutable;
using System.Text.Json;
using ZeroTier.Controller.Json;

namespace ZeroTier.Controller.AspNetCore.Compatible;

/// <summary>Merges the body of a request into a member (docs/protocol/5-http-api.md 5.5.5).</summary>
internal static class MemberChange
{
    /// <summary>Returns the member with the settings in the body applied.</summary>
    /// <exception cref="JsonException">A value has an invalid type whose meaning is unknown.</exception>
    public static ControllerMember Apply(ControllerMember member, JsonElement body) => member with
    {
        IsAuthorized = body.Member("authorized")?.ToBoolean() ?? member.IsAuthorized,
        IsActiveBridge = body.Member("activeBridge")?.ToBoolean() ?? member.IsActiveBridge,
        AssignsAddresses = body.Member("noAutoAssignIps") is { } manual ? !manual.ToBoolean() : member.AssignsAddresses,
        Name = body.Member("name")?.ToText() ?? member.Name,
        Addresses = body.Member("ipAssignments") is { ValueKind: JsonValueKind.Array } addresses
            ? addresses.ToAddresses()
            : member.Addresses,
        Tags = body.Member("tags") is { ValueKind: JsonValueKind.Array } tags ? ReadTags(tags) : member.Tags,
        Capabilities = body.Member("capabilities") is { ValueKind: JsonValueKind.Array } capabilities
            ? [.. capabilities.Entries().Select(c => unchecked((uint)c.ToInteger()))]
            : member.Capabilities,
        LoginExpiryTime = body.Member("authenticationExpiryTime") is { } expiry ? expiry.ToTime() : member.LoginExpiryTime,
        RemoteTraceTarget = body.Member("remoteTraceTarget") is { } target ? target.ToTraceTarget() : member.RemoteTraceTarget,
        RemoteTraceLevel = body.Member("remoteTraceLevel") is { } level ? unchecked((long)level.ToInteger()) : member.RemoteTraceLevel,
    };

    private static ImmutableSortedDictionary<uint, uint> ReadTags(JsonElement array)
    {
        var tags = ImmutableSortedDictionary.CreateBuilder<uint, uint>();
        foreach (JsonElement pair in array.Entries())
        {
            if (pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2)
            {
                tags[unchecked((uint)pair[0].ToInteger())] = unchecked((uint)pair[1].ToInteger());
            }
        }

        return tags.ToImmutable();
    }
}
