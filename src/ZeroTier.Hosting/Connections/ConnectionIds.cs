
namespace ZeroTier.Hosting.Connections;

/// <summary>Short ids for logs, unique in the process: 13 digits of base 32, starting from the time so that two runs differ.</summary>
internal static class ConnectionIds
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

    private static readonly Lock s_gate = new();
    private static long s_last = TimeProvider.System.GetUtcNow().Ticks;

    /// <summary>
    /// The ID of a connection, assigned when first requested: the engine may log about a connection before it is accepted.
    /// </summary>
    public static string Of(ZeroTierConnection connection)
    {
        if (connection.Tag is string known)
        {
            return known;
        }

        lock (s_gate)
        {
            string id = connection.Tag as string ?? Next();
            connection.Tag = id;
            return id;
        }
    }

    private static string Next() => string.Create(13, Interlocked.Increment(ref s_last), static (text, value) =>
    {
        for (int i = text.Length - 1; i >= 0; i--)
        {
            text[i] = Digits[(int)(value & 31)];
            value >>>= 5;
        }
    });
}
