using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ZeroTier.Service.AspNetCore.Compatible;

namespace ZeroTier.Controller.AspNetCore.Compatible;

/// <summary>
/// Lists of all networks, and of all members of a network, with full records (docs/protocol/5-http-api.md 5.5.1, <c>/unstable</c>).
/// </summary>
internal static class BulkLists
{
    public static Task WriteNetworksAsync(HttpContext context, NetworkController controller) =>
        CompatibleAnswer.WriteAsync(context, writer =>
        {
            IReadOnlyList<ControllerNetwork> networks = controller.Networks;
            writer.WriteStartObject();
            writer.WriteStartArray("data");
            foreach (ControllerNetwork network in networks)
            {
                WriteNetwork(writer, network, controller.CountOrNone(network.Id));
            }

            writer.WriteEndArray();
            writer.WriteStartObject("meta");
            writer.WriteNumber("networkCount", networks.Count);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });

    public static Task WriteMembersAsync(HttpContext context, NetworkController controller, NetworkId network)
    {
        IReadOnlyList<MemberStatus> members = controller.GetMembers(network);
        return CompatibleAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("data");
            foreach (MemberStatus member in members)
            {
                ControllerJson.Write(writer, member.Member);
            }

            writer.WriteEndArray();
            writer.WriteStartObject("meta");
            writer.WriteNumber("authorizedCount", members.Count(m => m.Member.IsAuthorized));
            writer.WriteNumber("totalCount", members.Count);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
    }

    private static void WriteNetwork(Utf8JsonWriter writer, ControllerNetwork network, NetworkCounts counts)
    {
        using JsonDocument document = JsonDocument.Parse(ControllerJson.Write(network));
        writer.WriteStartObject();
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            property.WriteTo(writer);
        }

        writer.WriteStartObject("meta");
        writer.WriteNumber("authorizedMemberCount", counts.Authorized);
        writer.WriteNumber("totalMemberCount", counts.Total);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
