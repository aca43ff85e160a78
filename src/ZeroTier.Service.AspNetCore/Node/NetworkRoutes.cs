using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Compatible;

namespace ZeroTier.Service.AspNetCore.Node;

/// <summary>The endpoints for the node's networks: list, join, leave, and change settings (docs/protocol/5-http-api.md 5.4.4).</summary>
internal static class NetworkRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapMethods("/network", ServiceEndpoint.Get, ServiceEndpoint.Create(ListAsync));
        api.MapMethods("/network/{network}", ServiceEndpoint.Get, ServiceEndpoint.Create(ReadAsync));
        api.MapMethods("/network/{network}", ServiceEndpoint.Write, ServiceEndpoint.Create(JoinAsync));
        api.MapMethods("/network/{network}", ServiceEndpoint.Delete, ServiceEndpoint.Create(LeaveAsync));
        api.Map("/network/{**path}", ServiceEndpoint.NotFound);
    }

    private static Task ListAsync(HttpContext context, ZeroTierNode node) => CompatibleAnswer.WriteAsync(context, writer =>
    {
        writer.WriteStartArray();
        foreach (ZeroTierNetwork network in node.Networks)
        {
            NetworkJson.Write(writer, network);
        }

        writer.WriteEndArray();
    });

    private static Task ReadAsync(HttpContext context, ZeroTierNode node)
    {
        if (ServiceEndpoint.NetworkOf(context) is not { } id)
        {
            return CompatibleAnswer.WriteNotFoundAsync(context);
        }

        return Find(node, id) is { } network
            ? CompatibleAnswer.WriteAsync(context, writer => NetworkJson.Write(writer, network))
            : CompatibleAnswer.WriteEmptyAsync(context, StatusCodes.Status404NotFound);
    }

    private static async Task JoinAsync(HttpContext context, ZeroTierNode node)
    {
        if (ServiceEndpoint.NetworkOf(context) is not { } id)
        {
            await CompatibleAnswer.WriteNotFoundAsync(context).ConfigureAwait(false);
            return;
        }

        using JsonDocument? body = await RequestBody.TryReadJsonAsync(context).ConfigureAwait(false);
        if (Find(node, id) is null)
        {
            await node.JoinAsync(id, context.RequestAborted).ConfigureAwait(false);
            ServiceApiLog.NetworkJoined(LoggerOf(context), id);
        }

        // Null only if the network was left concurrently.
        if (Find(node, id) is { } joined)
        {
            ZeroTierNetworkSettings settings = Changed(joined.Settings, body?.RootElement);
            if (settings != joined.Settings)
            {
                await node.ConfigureAsync(id, settings, context.RequestAborted).ConfigureAwait(false);
            }
        }

        await ReadAsync(context, node).ConfigureAwait(false);
    }

    private static async Task LeaveAsync(HttpContext context, ZeroTierNode node)
    {
        if (ServiceEndpoint.NetworkOf(context) is not { } id)
        {
            await CompatibleAnswer.WriteNotFoundAsync(context).ConfigureAwait(false);
            return;
        }

        if (Find(node, id) is null)
        {
            await CompatibleAnswer.WriteEmptyAsync(context, StatusCodes.Status200OK).ConfigureAwait(false);
            return;
        }

        await node.LeaveAsync(id, context.RequestAborted).ConfigureAwait(false);
        ServiceApiLog.NetworkLeft(LoggerOf(context), id);
        await CompatibleAnswer.WriteResultAsync(context).ConfigureAwait(false);
    }

    // Values that are not booleans and unknown names are ignored.
    private static ZeroTierNetworkSettings Changed(ZeroTierNetworkSettings settings, JsonElement? body) => new()
    {
        AllowManaged = Value(body, "allowManaged") ?? settings.AllowManaged,
        AllowGlobal = Value(body, "allowGlobal") ?? settings.AllowGlobal,
        AllowDefault = Value(body, "allowDefault") ?? settings.AllowDefault,
        AllowDns = Value(body, "allowDNS") ?? settings.AllowDns,
    };

    private static bool? Value(JsonElement? body, string name) =>
        body is { ValueKind: JsonValueKind.Object } change && change.TryGetProperty(name, out JsonElement value) &&
        value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : null;

    private static ZeroTierNetwork? Find(ZeroTierNode node, NetworkId id) => node.Networks.FirstOrDefault(network => network.Id == id);

    private static ILogger LoggerOf(HttpContext context) =>
        context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(ServiceApiLog.Category);
}
