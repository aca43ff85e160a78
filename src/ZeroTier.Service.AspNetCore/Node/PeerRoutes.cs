using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ZeroTier.Service.AspNetCore.Compatible;

namespace ZeroTier.Service.AspNetCore.Node;

/// <summary>The endpoints for peers (docs/protocol/5-http-api.md 5.4.5), and for bonds, which do not exist.</summary>
internal static class PeerRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapMethods("/peer", ServiceEndpoint.Get, ServiceEndpoint.Create(ListAsync));
        api.MapMethods("/peer/{node}", ServiceEndpoint.Get, ServiceEndpoint.Create(ReadAsync));
        api.Map("/peer/{**path}", ServiceEndpoint.NotFound);
        api.Map("/bond/{**path}", CompatibleEndpoint.Create(
            static context => CompatibleAnswer.WriteEmptyAsync(context, StatusCodes.Status400BadRequest), static _ => null));
    }

    private static Task ListAsync(HttpContext context, ZeroTierNode node) => CompatibleAnswer.WriteAsync(context, writer =>
    {
        writer.WriteStartArray();
        foreach (ZeroTierPeer peer in node.Peers)
        {
            Write(writer, peer);
        }

        writer.WriteEndArray();
    });

    private static Task ReadAsync(HttpContext context, ZeroTierNode node)
    {
        if (ServiceEndpoint.NodeOf(context) is not { } id)
        {
            return CompatibleAnswer.WriteNotFoundAsync(context);
        }

        // Not 404, because tools query members that are not peers of this node.
        return node.Peers.FirstOrDefault(peer => peer.Id == id) is { } known
            ? CompatibleAnswer.WriteAsync(context, writer => Write(writer, known))
            : CompatibleAnswer.WriteEmptyAsync(context, StatusCodes.Status200OK);
    }

    private static void Write(Utf8JsonWriter writer, ZeroTierPeer peer)
    {
        writer.WriteStartObject();
        writer.WriteString("address", peer.Id.ToString());
        writer.WriteBoolean("isBonded", false);
        writer.WriteNumber("latency", peer.Latency is { } latency ? (long)Math.Ceiling(latency.TotalMilliseconds) : -1);
        writer.WriteStartArray("paths");
        foreach (ZeroTierPath path in peer.Paths)
        {
            Write(writer, path);
        }

        writer.WriteEndArray();
        writer.WriteString("role", peer.Role switch
        {
            ZeroTierPeerRole.Planet => "PLANET",
            ZeroTierPeerRole.Moon => "MOON",
            _ => "LEAF",
        });
        writer.WriteBoolean("tunneled", false);
        writer.WriteString("version", peer.Version is { } version ? $"{version.Major}.{version.Minor}.{version.Build}" : "-1.-1.-1");
        writer.WriteNumber("versionMajor", peer.Version?.Major ?? -1);
        writer.WriteNumber("versionMinor", peer.Version?.Minor ?? -1);
        writer.WriteNumber("versionRev", peer.Version?.Build ?? -1);
        writer.WriteEndObject();
    }

    // Paths in the list are alive.
    private static void Write(Utf8JsonWriter writer, ZeroTierPath path)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("active", true);
        writer.WriteString("address", StatusRoutes.Text(path.EndPoint));
        writer.WriteBoolean("expired", false);
        writer.WriteNumber("lastReceive", path.LastReceived.ToUnixTimeMilliseconds());
        writer.WriteNumber("lastSend", path.LastSent?.ToUnixTimeMilliseconds() ?? 0);
        writer.WriteBoolean("preferred", path.IsPreferred);
        writer.WriteNumber("trustedPathId", 0);
        writer.WriteEndObject();
    }
}
