using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace ZeroTier.Controller.AspNetCore;

/// <summary>
/// The conditions of requests (RFC 9110, 13). The entity tag of a network or member is its revision: it stands for the settings, not for
/// counts and presence, which change beside them.
/// </summary>
internal static class Preconditions
{
    /// <summary>Whether the request has any.</summary>
    public static bool Exist(HttpRequest request) => request.Headers.IfMatch.Count > 0 || request.Headers.IfNoneMatch.Count > 0;

    /// <summary>
    /// Makes a change if what is there meets the conditions at the moment of the change; looks again where somebody else was first.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="revision">The present revision, 0 where there is nothing yet.</param>
    /// <param name="change">Makes the change to the revision that it is given; to any where that is null.</param>
    /// <exception cref="BadHttpRequestException">They are not met, or damaged.</exception>
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
                // Each round in vain is a change of somebody else's.
            }
        }
    }

    /// <summary>
    /// Sets the tag of an answer; says whether the asker of a GET or HEAD has it already, so that 304 is the answer (RFC 9110, 13.2.2).
    /// </summary>
    /// <exception cref="BadHttpRequestException">The conditions of a GET or HEAD are not met, or damaged.</exception>
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

    // A weak tag matches nothing here (RFC 9110, 13.1.1).
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
