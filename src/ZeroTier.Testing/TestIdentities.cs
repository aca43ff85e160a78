using ZeroTier.Managed;

namespace ZeroTier.Testing;

/// <summary>
/// Identities for networks that exist in memory only. Their secrets are in this package, so they are worth nothing anywhere else; but
/// finding a new one costs a proof of work, and with fixed ones a test sees the same node IDs in every run.
/// </summary>
internal static class TestIdentities
{
    private static readonly Lazy<string[]> Secrets = new(Read);

    public static int Count => Secrets.Value.Length;

    /// <summary>The identity of a network's n-th node; a fresh object each time, which is the caller's to dispose.</summary>
    public static async ValueTask<NodeIdentity> GetAsync(int index, CancellationToken cancellationToken) => index < Count
        ? NodeIdentity.Parse(Secrets.Value[index])
        : await NodeIdentity.GenerateAsync(cancellationToken: cancellationToken).ConfigureAwait(false);

    private static string[] Read()
    {
        using var reader = new StreamReader(typeof(TestIdentities).Assembly.GetManifestResourceStream("Identities.txt")!);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
