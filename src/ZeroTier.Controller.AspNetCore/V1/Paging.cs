namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>
/// Pages of lists sorted by a key of fixed length. The cursor is the key of the last entry, so that additions and removals between two
/// requests do not shift pages.
/// </summary>
internal static class Paging
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    /// <summary>Validates the requested page size.</summary>
    /// <exception cref="ArgumentException">The limit is out of range.</exception>
    public static void Check(int limit)
    {
        if (limit is < 1 or > MaxLimit)
        {
            throw new ArgumentException($"limit is {limit}; it must be from 1 to {MaxLimit}.");
        }
    }

    /// <summary>The page after a cursor.</summary>
    public static Page<TResource> Cut<T, TResource>(
        IEnumerable<T> entries, Func<T, string> key, string? after, int limit, Func<T, TResource> convert)
    {
        Check(limit);
        List<T> page = [.. entries.SkipWhile(e => after is not null && string.CompareOrdinal(key(e), after) <= 0).Take(limit + 1)];
        string? next = page.Count > limit ? key(page[limit - 1]) : null;
        return new Page<TResource>([.. page.Take(limit).Select(convert)], next);
    }
}
