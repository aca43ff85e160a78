using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ZeroTier.Hosting;
using ZeroTier.Hosting.Node;
using ZeroTier.Managed;
using ZeroTier.Service.AspNetCore.Access;
using ZeroTier.Service.AspNetCore.Compatible;

namespace ZeroTier.Service.AspNetCore.Node;

/// <summary>The endpoints for the status and health of the node (docs/protocol/5-http-api.md 5.4.2, 5.4.3).</summary>
internal static class StatusRoutes
{
    // The version of the compatible API, from which tools derive the available features; not that of this software.
    private static readonly Version ApiVersion = new(1, 14, 1);

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapMethods("/status", ServiceEndpoint.Get, ServiceEndpoint.Create(WriteStatusAsync));
        api.MapMethods("/health", ServiceEndpoint.Get, ServiceEndpoint.Create(WriteHealthAsync, Entry.Nearness));
        api.MapMethods("/config", ServiceEndpoint.Get, CompatibleEndpoint.Create(
            static context => CompatibleAnswer.WriteEmptyAsync(context, StatusCodes.Status200OK), static _ => null));
        api.MapMethods("/config/settings", ServiceEndpoint.Write, CompatibleEndpoint.Create(RefuseSettingsAsync, static _ => null));
        foreach (string path in (ReadOnlySpan<string>)["/status", "/health", "/config", "/config/settings"])
        {
            api.Map(path, ServiceEndpoint.NotFound);
        }
    }

    private static Task WriteStatusAsync(HttpContext context, ZeroTierNode node) => CompatibleAnswer.WriteAsync(context, writer =>
    {
        var managed = node as ManagedNode;
        writer.WriteStartObject();
        writer.WriteString("address", node.Id.ToString());
        WriteClock(writer, context);
        writer.WriteStartObject("config");
        WriteSettings(writer, context, managed);
        writer.WriteEndObject();
        writer.WriteString("engine", node.Engine);
        writer.WriteString("engineVersion", node.EngineVersion);
        writer.WriteBoolean("online", node.IsOnline);
        if (managed is { Planet: { } planet, PublicIdentity: { } identity })
        {
            writer.WriteNumber("planetWorldId", planet.Id);
            writer.WriteNumber("planetWorldTimestamp", planet.Timestamp);
            writer.WriteString("publicIdentity", identity);
        }

        writer.WriteBoolean("tcpFallbackActive", managed?.UsesTcpRelay ?? false);
        WriteVersion(writer);
        writer.WriteEndObject();
    });

    private static Task WriteHealthAsync(HttpContext context, ZeroTierNode node) => CompatibleAnswer.WriteAsync(context, writer =>
    {
        writer.WriteStartObject();
        WriteClock(writer, context);
        writer.WriteBoolean("online", node.IsOnline);
        WriteVersion(writer);
        writer.WriteEndObject();
    });

    private static void WriteSettings(Utf8JsonWriter writer, HttpContext context, ManagedNode? node)
    {
        ZeroTierNodeOptions options = context.RequestServices.GetRequiredService<IOptions<ZeroTierNodeOptions>>().Value;
        string application = context.RequestServices.GetRequiredService<IHostEnvironment>().ApplicationName;
        writer.WriteStartObject("settings");
        writer.WriteBoolean("allowTcpFallbackRelay", options.TcpRelay is not null);
        writer.WriteBoolean("forceTcpRelay", false);
        if (NodeStorage.PathOf(options, application) is { } home)
        {
            writer.WriteString("homeDir", home);
        }

        if (node is not null)
        {
            IReadOnlyList<IPEndPoint> endPoints = node.LocalEndPoints;
            writer.WriteStartArray("listeningOn");
            foreach (IPEndPoint endPoint in endPoints)
            {
                writer.WriteStringValue(Text(endPoint));
            }

            writer.WriteEndArray();
            writer.WriteNumber("primaryPort", endPoints.Count > 0 ? endPoints[0].Port : options.Port);
        }
        else
        {
            writer.WriteNumber("primaryPort", options.Port);
        }

        writer.WriteBoolean("portMappingEnabled", false);
        writer.WriteNumber("secondaryPort", 0);
        writer.WriteString("softwareUpdate", "disable");
        writer.WriteString("softwareUpdateChannel", "release");
        writer.WriteNumber("tertiaryPort", 0);
        writer.WriteEndObject();
    }

    private static void WriteClock(Utf8JsonWriter writer, HttpContext context) =>
        writer.WriteNumber("clock", context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow().ToUnixTimeMilliseconds());

    private static void WriteVersion(Utf8JsonWriter writer)
    {
        writer.WriteString("version", ApiVersion.ToString());
        writer.WriteNumber("versionBuild", 0);
        writer.WriteNumber("versionMajor", ApiVersion.Major);
        writer.WriteNumber("versionMinor", ApiVersion.Minor);
        writer.WriteNumber("versionRev", ApiVersion.Build);
    }

    /// <summary>Formats an endpoint as in the API.</summary>
    public static string Text(IPEndPoint endPoint) => string.Create(CultureInfo.InvariantCulture, $"{endPoint.Address}/{endPoint.Port}");

    // There is no local.conf; refusing a setting is better than accepting one that has no effect.
    private static async Task RefuseSettingsAsync(HttpContext context)
    {
        using JsonDocument body = await RequestBody.ReadJsonAsync(context).ConfigureAwait(false);
        if (body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.EnumerateObject().Any())
        {
            string name = body.RootElement.EnumerateObject().First().Name;
            throw new BadHttpRequestException(
                $"'{name}' was not set: this node has the settings of its app, in the section {ZeroTierNodeOptions.SectionName} of its "
                + "configuration.");
        }

        await CompatibleAnswer.WriteEmptyAsync(context, StatusCodes.Status200OK).ConfigureAwait(false);
    }
}
