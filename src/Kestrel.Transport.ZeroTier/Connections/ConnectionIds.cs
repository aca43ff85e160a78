namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>Short ids for logs, unique in the process: 13 digits of base 32, starting from the time so that two runs differ.</summary>
internal static class ConnectionIds
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

    private static long s_last = TimeProvider.System.GetUtcNow().Ticks;

    public static string Next() => string.Create(13, Interlocked.Increment(ref s_last), static (text, value) =>
    {
        for (int i = text.Length - 1; i >= 0; i--)
        {
            text[i] = Digits[(int)(value & 31)];
            value >>>= 5;
        }
    });
}
