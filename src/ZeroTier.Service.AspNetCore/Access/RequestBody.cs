using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>Reads a body whole, up to a bound; of whatever type it says it is (docs/protocol/5-http-api.md 5.1.4).</summary>
internal static class RequestBody
{
    /// <summary>Reads a body as JSON.</summary>
    /// <exception cref="BadHttpRequestException">The body is too long, or ends early.</exception>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static async Task<JsonDocument> ReadJsonAsync(HttpRequest request, int maxLength, CancellationToken cancellationToken)
    {
        byte[] body = await ReadAsync(request, maxLength, cancellationToken).ConfigureAwait(false);
        if (!Utf8.IsValid(body))
        {
            throw new JsonException("The body is no UTF-8.");
        }

        CheckEscapes(body);
        return JsonDocument.Parse(body);
    }

    // The parser lets half a surrogate pair pass, and throws something else when a text or a name is read.
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
                $"The body is longer than {maxLength} bytes, which is ZeroTierServiceOptions.MaxRequestBodySize.", StatusCodes.Status413PayloadTooLarge);
        }
    }
}
