using ZeroTier.Managed;

namespace ZeroTier.Testing;

/// <summary>
/// Fixed identities for in-memory networks. Their private keys are published in this package, so they must not be used anywhere else. They
/// save the proof of work of generating an identity, and give a test the same node IDs in every run.
/// </summary>
internal static class TestIdentities
{
    private static readonly Lazy<string[]> Secrets = new(Read);

    public static int Count => Secrets.Value.Length;

    /// <summary>Returns the identity of a network's n-th node: a new object, which the caller disposes.</summary>
    public static async ValueTask<NodeIdentity> GetAsync(int index, CancellationToken cancellationToken) => index < Count
        ? NodeIdentity.Parse(Secrets.Value[index])
        : await NodeIdentity.GenerateAsync(cancellationToken: cancellationToken).ConfigureAwait(false);

    private static string[] Read()
    {
        using var reader = new StreamReader(typeof(TestIdentities).Assembly.GetManifestResourceStream("Identities.txt")!);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
