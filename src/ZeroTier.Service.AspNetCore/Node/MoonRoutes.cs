using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ZeroTier.Managed;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Compatible;

namespace ZeroTier.Service.AspNetCore.Node;

/// <summary>The endpoints for the moons of the node (docs/protocol/5-http-api.md 5.4.6). libzt supports none.</summary>
internal static class MoonRoutes
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapMethods("/moon", ServiceEndpoint.Get, ServiceEndpoint.Create(ListAsync));
        api.MapMethods("/moon/{moon}", ServiceEndpoint.Get, ServiceEndpoint.Create(ReadAsync));
        api.MapMethods("/moon/{moon}", ServiceEndpoint.Write, ServiceEndpoint.Create(OrbitAsync));
        api.MapMethods("/moon/{moon}", ServiceEndpoint.Delete, ServiceEndpoint.Create(DeorbitAsync));
        api.Map("/moon/{**path}", ServiceEndpoint.NotFound);
    }

    private static Task ListAsync(HttpContext context, ZeroTierNode node) => CompatibleAnswer.WriteAsync(context, writer =>
    {
        writer.WriteStartArray();
        foreach (Moon moon in MoonsOf(node))
        {
            Write(writer, moon);
        }

        writer.WriteEndArray();
    });

    private static Task ReadAsync(HttpContext context, ZeroTierNode node)
    {
        if (MoonOf(context) is not { } id)
        {
            return CompatibleAnswer.WriteNotFoundAsync(context);
        }

        return MoonsOf(node).FirstOrDefault(moon => moon.Id == id) is { } known
            ? CompatibleAnswer.WriteAsync(context, writer => Write(writer, known))
            : CompatibleAnswer.WriteEmptyAsync(context, StatusCodes.Status200OK);
    }

    private static async Task OrbitAsync(HttpContext context, ZeroTierNode node)
    {
        if (MoonOf(context) is not { } id)
        {
            await CompatibleAnswer.WriteNotFoundAsync(context).ConfigureAwait(false);
            return;
        }

        using JsonDocument? body = await RequestBody.TryReadJsonAsync(context).ConfigureAwait(false);
        if (MoonsOf(node).Any(moon => moon.Id == id) || SeedOf(body?.RootElement) is not { } seed)
        {
            await ReadAsync(context, node).ConfigureAwait(false);
            return;
        }

        try
        {
            await Orbiting(node).OrbitAsync(new MoonOrbit(id, seed), context.RequestAborted).ConfigureAwait(false);
        }
        catch (InvalidOperationException exception)
        {
            throw new BadHttpRequestException(exception.Message);
        }

        await CompatibleAnswer.WriteAsync(context, writer => WriteAwaited(writer, id)).ConfigureAwait(false);
    }

    private static async Task DeorbitAsync(HttpContext context, ZeroTierNode node)
    {
        if (MoonOf(context) is not { } id)
        {
            await CompatibleAnswer.WriteNotFoundAsync(context).ConfigureAwait(false);
            return;
        }

        if (node is ManagedNode managed)
        {
            await managed.DeorbitAsync(id, context.RequestAborted).ConfigureAwait(false);
        }

        await CompatibleAnswer.WriteResultAsync(context).ConfigureAwait(false);
    }

    private static IReadOnlyList<Moon> MoonsOf(ZeroTierNode node) => (node as ManagedNode)?.Moons ?? [];

    private static ManagedNode Orbiting(ZeroTierNode node) => node as ManagedNode ?? throw new ZeroTierException(
        ZeroTierError.NotSupported, $"The {node.Engine} engine uses no moons. Use the managed engine.");

    // Ten digits, as in ZeroTierOne, or sixteen, as moon IDs are displayed.
    private static ulong? MoonOf(HttpContext context) =>
        ServiceEndpoint.Value(context, "moon") is { Length: 10 or 16 } text &&
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id) && id != 0
            ? id
            : null;

    // A JSON number is interpreted as the text of its digits.
    private static NodeId? SeedOf(JsonElement? body)
    {
        if (body is not { ValueKind: JsonValueKind.Object } orbit || !orbit.TryGetProperty("seed", out JsonElement seed) ||
            seed.ValueKind is not (JsonValueKind.String or JsonValueKind.Number))
        {
            return null;
        }

        string text = seed.ValueKind == JsonValueKind.String ? seed.GetString()! : seed.GetRawText();
        return NodeId.TryParse(text.PadLeft(10, '0'), out NodeId id) ? id : null;
    }

    private static void Write(Utf8JsonWriter writer, Moon moon)
    {
        writer.WriteStartObject();
        writer.WriteString("id", TextOf(moon.Id));
        writer.WriteStartArray("roots");
        foreach (PlanetRoot root in moon.Roots)
        {
            writer.WriteStartObject();
            writer.WriteString("identity", root.Identity.ToString());
            writer.WriteStartArray("stableEndpoints");
            foreach (InetEndPoint endPoint in root.EndPoints)
            {
                writer.WriteStringValue(StatusRoutes.Text(endPoint.ToIPEndPoint()));
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteString("signature", Convert.ToHexStringLower(moon.Signature));
        writer.WriteNumber("timestamp", moon.Timestamp);
        writer.WriteString("updatesMustBeSignedBy", Convert.ToHexStringLower(moon.UpdateKey));
        writer.WriteBoolean("waiting", false);
        writer.WriteEndObject();
    }

    // A moon that has not been received from the seed yet.
    private static void WriteAwaited(Utf8JsonWriter writer, ulong id)
    {
        writer.WriteStartObject();
        writer.WriteString("id", TextOf(id));
        writer.WriteStartArray("roots");
        writer.WriteEndArray();
        writer.WriteNull("signature");
        writer.WriteNumber("timestamp", 0);
        writer.WriteNull("updatesMustBeSignedBy");
        writer.WriteBoolean("waiting", true);
        writer.WriteEndObject();
    }

    private static string TextOf(ulong id) => id.ToString("x16", CultureInfo.InvariantCulture);
}
