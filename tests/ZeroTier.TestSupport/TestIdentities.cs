using ZeroTier.Managed;
using System.Buffers.Binary;
using ZeroTier.Managed.Identity;

namespace ZeroTier.TestSupport;

/// <summary>
/// Throw-away identities with their private keys, from recorded runs of real nodes: making one takes a proof of work of seconds.
/// </summary>
public static class TestIdentities
{
    private static readonly string[] Secrets = Read("Identities.txt");
    private static readonly Lazy<string[]> Population = new(static () => Read("Population.txt"));
    private static readonly Lazy<NodeIdentity[]> Shared = new(static () => [.. Secrets.Select(NodeIdentity.Parse)]);

    public static int Count => Secrets.Length;

    /// <summary>One object for each, for tests that dispose of none.</summary>
    public static IReadOnlyList<NodeIdentity> All => Shared.Value;

    /// <summary>A new object each time, because a node's owner disposes of it.</summary>
    /// <param name="index">From <see cref="Count"/> on, up to 190 more: identities that this library made, for large networks.</param>
    public static NodeIdentity Get(int index) =>
        NodeIdentity.Parse(index < Secrets.Length ? Secrets[index] : Population.Value[index - Secrets.Length]);

    /// <summary>The text of <c>identity.secret</c>.</summary>
    public static string Text(int index) => Secrets[index];

    /// <summary>An identity with a chosen address, which its key does not prove: enough for a node that only hears of it.</summary>
    public static NodeIdentity At(NodeId address)
    {
        Span<byte> form = stackalloc byte[NodeIdentity.BinarySize];
        All[0].WriteTo(form);
        Span<byte> eight = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(eight, address.Value);
        eight[3..].CopyTo(form);
        return NodeIdentity.TryRead(form, out NodeIdentity? identity, out _)
            ? identity
            : throw new ArgumentException("Not an address.", nameof(address));
    }

    private static string[] Read(string resource)
    {
        using Stream stream = typeof(TestIdentities).Assembly.GetManifestResourceStream(resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
