using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>
/// Conditional requests (RFC 9110, 13). The entity tag of a network or member is its revision: it covers the settings, but not counts and
/// presence, which change independently.
/// </summary>
internal static class Preconditions
{
    /// <summary>Whether the request has preconditions.</summary>
    public static bool Exist(HttpRequest request) => request.Headers.IfMatch.Count > 0 || request.Headers.IfNoneMatch.Count > 0;

    /// <summary>
    /// Makes a change if the preconditions hold at the moment of the change; evaluates them again after a concurrent change.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="revision">Returns the current revision, 0 when the resource does not exist.</param>
    /// <param name="change">Makes the change on the given revision, or on any if it is null.</param>
    /// <exception cref="BadHttpRequestException">The preconditions do not hold, or are malformed.</exception>
    public static async Task<T> ChangeAsync<T>(HttpRequest request, Func<long> revision, Func<long?, Task<T>> change)
    {
        if (!Exist(request))
        {
            return await change(null).ConfigureAwait(false);
        }

        while (true)
        {
            long present = revision();
            if (!IsMatch(request, present) || IsNoneMatchBroken(request, present))
            {
                throw Failed(present);
            }

            try
            {
                return await change(present).ConfigureAwait(false);
            }
            catch (StoreConflictException) when (revision() != present)
            {
                // Retry. Each conflict means that another change succeeded, so there is progress.
            }
        }
    }

    /// <summary>
    /// Sets the ETag of a response. Returns true for a GET or HEAD whose client already has this revision, so that the response must be 304
    /// (RFC 9110, 13.2.2).
    /// </summary>
    /// <exception cref="BadHttpRequestException">The preconditions of a GET or HEAD do not hold, or are malformed.</exception>
    public static bool IsKnown(HttpContext context, long revision)
    {
        context.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{revision}\"");
        HttpRequest request = context.Request;
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            return false;
        }

        return IsMatch(request, revision) ? IsNoneMatchBroken(request, revision) : throw Failed(revision);
    }

    // If-Match uses strong comparison, so a weak tag never matches (RFC 9110, 13.1.1).
    private static bool IsMatch(HttpRequest request, long revision) =>
        request.Headers.IfMatch.Count == 0
        || Tags(request.Headers.IfMatch, HeaderNames.IfMatch).Any(tag => Is(tag, revision) && !tag.IsWeak);

    private static bool IsNoneMatchBroken(HttpRequest request, long revision) =>
        request.Headers.IfNoneMatch.Count > 0 && Tags(request.Headers.IfNoneMatch, HeaderNames.IfNoneMatch).Any(tag => Is(tag, revision));

    private static bool Is(EntityTagHeaderValue tag, long revision) => revision > 0 &&
        (tag.Equals(EntityTagHeaderValue.Any)
            || tag.Tag.Equals(string.Create(CultureInfo.InvariantCulture, $"\"{revision}\""), StringComparison.Ordinal));

    private static IList<EntityTagHeaderValue> Tags(StringValues values, string header) =>
        EntityTagHeaderValue.TryParseStrictList([.. values.OfType<string>()], out IList<EntityTagHeaderValue>? tags)
            ? tags
            : throw new BadHttpRequestException(
                $"{header} is '{values}', which is no list of entity tags. Valid examples are \"3\", W/\"3\" and *, with the quotes.");

    private static BadHttpRequestException Failed(long revision) => new(
        revision == 0
            ? "There is nothing yet that could match."
            : $"The present revision is {revision}, which is not what the request builds on. Read it anew.",
        StatusCodes.Status412PreconditionFailed);
}
