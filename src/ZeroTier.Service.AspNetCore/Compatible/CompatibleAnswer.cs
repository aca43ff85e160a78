using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace ZeroTier.Service.AspNetCore.Compatible;

/// <summary>Writes responses in the formats of ZeroTierOne's HTTP API (docs/protocol/5-http-api.md 5.1.4, 5.1.5).</summary>
internal static class CompatibleAnswer
{
    // Non-ASCII characters are written as UTF-8 and not escaped, as ZeroTierOne does.
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Answers with JSON.</summary>
    public static Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Writing))
        {
            write(writer);
        }

        HttpResponse response = context.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = buffer.WrittenCount;
        response.Headers[HeaderNames.XContentTypeOptions] = "nosniff";
        response.Headers[HeaderNames.CacheControl] = "no-store";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(buffer.WrittenMemory,
            context.RequestAborted).AsTask();
    }

    /// <summary>Answers with the error object.</summary>
    public static Task WriteErrorAsync(HttpContext context, int status, string description) => WriteAsync(
        context,
        writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("error", status);
            writer.WriteString("description", description);
            writer.WriteEndObject();
        },
        status);

    /// <summary>Answers with an empty object, for example to unauthorised callers.</summary>
    public static Task WriteEmptyAsync(HttpContext context, int status) => WriteAsync(
        context,
        static writer =>
        {
            writer.WriteStartObject();
            writer.WriteEndObject();
        },
        status);

    /// <summary>Answers with <c>{"result":true}</c>.</summary>
    public static Task WriteResultAsync(HttpContext context) => WriteAsync(context, static writer =>
    {
        writer.WriteStartObject();
        writer.WriteBoolean("result", true);
        writer.WriteEndObject();
    });

    /// <summary>Answers 404 without a body.</summary>
    public static Task WriteNotFoundAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }
}
