using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>Reads complete request bodies of bounded length, whatever their content type (docs/protocol/5-http-api.md 5.1.4).</summary>
internal static class RequestBody
{
    /// <summary>Reads a body as JSON.</summary>
    /// <exception cref="BadHttpRequestException">The body is too long, or ends early.</exception>
    /// <exception cref="JsonException">It is not valid JSON.</exception>
    public static async Task<JsonDocument> ReadJsonAsync(HttpContext context)
    {
        int maxLength = context.RequestServices.GetRequiredService<IOptions<ZeroTierServiceOptions>>().Value.MaxRequestBodySize;
        byte[] body = await ReadAsync(context.Request, maxLength, context.RequestAborted).ConfigureAwait(false);
        if (!Utf8.IsValid(body))
        {
            throw new JsonException("The body is no UTF-8.");
        }

        CheckEscapes(body);
        return JsonDocument.Parse(body);
    }

    /// <summary>As <see cref="ReadJsonAsync"/>, but returns null when the body is not valid JSON.</summary>
    /// <exception cref="BadHttpRequestException">The body is too long, or ends early.</exception>
    public static async Task<JsonDocument?> TryReadJsonAsync(HttpContext context)
    {
        try
        {
            return await ReadJsonAsync(context).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // The parser accepts an unpaired surrogate in an escape; reading the text or name later would throw InvalidOperationException.
    private static void CheckEscapes(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        try
        {
            while (reader.Read())
            {
                if (reader is { TokenType: JsonTokenType.String or JsonTokenType.PropertyName, ValueIsEscaped: true })
                {
                    _ = reader.GetString();
                }
            }
        }
        catch (InvalidOperationException exception)
        {
            throw new JsonException("A text of the body holds half of a surrogate pair, which is no character.", exception);
        }
    }

    private static async Task<byte[]> ReadAsync(HttpRequest request, int maxLength, CancellationToken cancellationToken)
    {
        Refuse(request.ContentLength ?? 0, maxLength);
        while (true)
        {
            ReadResult read = await request.BodyReader.ReadAsync(cancellationToken).ConfigureAwait(false);
            Refuse(read.Buffer.Length, maxLength);
            if (read.IsCompleted)
            {
                byte[] body = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return body;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static void Refuse(long length, int maxLength)
    {
        if (length > maxLength)
        {
            throw new BadHttpRequestException(
                $"The body is longer than {maxLength} bytes, which is ZeroTierServiceOptions.MaxRequestBodySize.",
                StatusCodes.Status413PayloadTooLarge);
        }
    }
}
