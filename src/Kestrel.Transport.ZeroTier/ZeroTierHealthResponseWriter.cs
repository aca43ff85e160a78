using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kestrel.Transport.ZeroTier;

/// <summary>
/// Writes a health report as JSON in UTF-8, without reflection, for <c>HealthCheckOptions.ResponseWriter</c>. Works for every health check,
/// not only ZeroTier's.
/// </summary>
/// <remarks>
/// <c>app.MapHealthChecks("/readyz", new() { Predicate = check => check.Tags.Contains("ready"), ResponseWriter =
/// ZeroTierHealthResponseWriter.WriteAsync })</c>. The output contains the node ID, its networks and addresses, so restrict who can read
/// it. Exceptions are left out; the description gives the reason.
/// </remarks>
public static class ZeroTierHealthResponseWriter
{
    /// <summary>
    /// Writes a report: <c>status</c>, <c>duration</c> in seconds, and <c>checks</c> by name, each with its status, duration, description,
    /// tags and data.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="report">The report to write.</param>
    public static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(report);
        context.Response.ContentType = "application/json; charset=utf-8";
        Write(context.Response.BodyWriter, report);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static void Write(IBufferWriter<byte> output, HealthReport report)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        Write(json, report.Status, report.TotalDuration);
        json.WriteStartObject("checks");
        foreach (var (name, entry) in report.Entries)
        {
            json.WriteStartObject(name);
            Write(json, entry.Status, entry.Duration);
            if (entry.Description is { } description)
            {
                json.WriteString("description", description);
            }

            WriteTexts(json, "tags", entry.Tags);
            json.WriteStartObject("data");
            foreach (var (key, value) in entry.Data)
            {
                Write(json, key, value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, HealthStatus status, TimeSpan duration)
    {
        json.WriteString("status", status.ToString());
        json.WriteNumber("duration", duration.TotalSeconds);
    }

    private static void Write(Utf8JsonWriter json, string key, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNull(key);
                break;
            case bool flag:
                json.WriteBoolean(key, flag);
                break;
            case int number:
                json.WriteNumber(key, number);
                break;
            case long number:
                json.WriteNumber(key, number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumber(key, number);
                break;
            case IEnumerable<KeyValuePair<string, string>> texts:
                json.WriteStartObject(key);
                foreach (var (name, text) in texts)
                {
                    json.WriteString(name, text);
                }

                json.WriteEndObject();
                break;
            case IEnumerable<string> texts:
                WriteTexts(json, key, texts);
                break;
            case IFormattable other:
                json.WriteString(key, other.ToString(null, CultureInfo.InvariantCulture));
                break;
            default:
                json.WriteString(key, value.ToString());
                break;
        }
    }

    private static void WriteTexts(Utf8JsonWriter json, string key, IEnumerable<string> texts)
    {
        json.WriteStartArray(key);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
