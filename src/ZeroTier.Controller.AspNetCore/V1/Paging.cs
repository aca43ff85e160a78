namespace ZeroTier.Controller.AspNetCore.V1;

/// <summary>
/// Pages of lists that are sorted by a key of fixed length: the cursor is the key of the last entry, so that changes in between shift
/// nothing.
/// </summary>
internal static class Paging
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    /// <summary>Checks how many entries are asked for.</summary>
    /// <exception cref="ArgumentException">Too few or too many.</exception>
    public static void Check(int limit)
    {
        if (limit is < 1 or > MaxLimit)
        {
            throw new ArgumentException($"limit is {limit}; it must be from 1 to {MaxLimit}.");
        }
    }

    /// <summary>The page behind a cursor.</summary>
    public static Page<TResource> Cut<T, TResource>(
        IEnumerable<T> entries, Func<T, string> key, string? after, int limit, Func<T, TResource> convert)
    {
        Check(limit);
        List<T> page = [.. entries.SkipWhile(e => after is not null && string.CompareOrdinal(key(e), after) <= 0).Take(limit + 1)];
        string? next = page.Count > limit ? key(page[limit - 1]) : null;
        return new Page<TResource>([.. page.Take(limit).Select(convert)], next);
    }
}
