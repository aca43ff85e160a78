using System.Diagnostics.CodeAnalysis;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1.Worlds;
using ZeroTier.Platform;

namespace ZeroTier.Managed;

/// <summary>
/// A signed list of additional roots, which a node uses besides those of its planet once it orbits the moon (docs/protocol/2-vl1.md 2.8).
/// Immutable and thread-safe.
/// </summary>
/// <remarks>
/// The roots of a moon relay, introduce nodes and answer look-ups as those of the planet do, and are trusted as much. A root must be given
/// the same moon: it finds by its identity that it is a root.
/// </remarks>
public sealed class Moon
{
    /// <summary>Number of roots at most.</summary>
    public const int MaxRoots = Vl1Limits.Roots;

    internal const int MaxSize = World.MaxSize;

    internal Moon(World world) => World = world;

    /// <summary>The moon's ID; it never changes. By convention the address of its first root.</summary>
    public ulong Id => World.Id;

    /// <summary>Milliseconds since the Unix epoch; serves as revision: an update has a later one.</summary>
    public ulong Timestamp => World.Timestamp;

    /// <summary>The 64-byte public key that must sign the next revision.</summary>
    public ReadOnlySpan<byte> UpdateKey => World.UpdateKey;

    /// <summary>The 96-byte signature.</summary>
    public ReadOnlySpan<byte> Signature => World.Signature;

    /// <summary>The roots, at most <see cref="MaxRoots"/>.</summary>
    public IReadOnlyList<PlanetRoot> Roots => World.Roots;

    internal World World { get; }

    /// <summary>Creates a moon signed by the key that also has to sign its updates.</summary>
    /// <param name="id">The moon's ID; anything but 0.</param>
    /// <param name="timestamp">Now, or for an update a later time than that of the moon it replaces.</param>
    /// <param name="roots">1 to 4 roots, each with 0 to 32 endpoints.</param>
    /// <param name="signingKey">The key to sign with.</param>
    /// <exception cref="ArgumentException">There are no or too many roots or too many endpoints, or the ID is 0.</exception>
    public static Moon Create(ulong id, DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey signingKey)
    {
        ArgumentNullException.ThrowIfNull(signingKey);
        return new Moon(
            World.Create(World.MoonType, id, (ulong)timestamp.ToUnixTimeMilliseconds(), roots, signingKey, signingKey.PublicKey));
    }

    /// <summary>Creates the next revision of this moon; the same key must sign the revision after that.</summary>
    /// <param name="timestamp">Later than this moon's.</param>
    /// <param name="roots">The new roots.</param>
    /// <param name="currentKey">The key that <see cref="UpdateKey"/> belongs to.</param>
    /// <exception cref="ArgumentException">The time is not later, the key is not this moon's, or the roots are not allowed.</exception>
    public Moon Update(DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey currentKey) =>
        Update(timestamp, roots, currentKey, currentKey);

    /// <summary>Creates the next revision of this moon.</summary>
    /// <param name="timestamp">Later than this moon's.</param>
    /// <param name="roots">The new roots.</param>
    /// <param name="currentKey">The key that <see cref="UpdateKey"/> belongs to.</param>
    /// <param name="nextKey">The key that must sign the revision after that.</param>
    /// <exception cref="ArgumentException">The time is not later, the key is not this moon's, or the roots are not allowed.</exception>
    public Moon Update(DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey currentKey, PlanetSigningKey nextKey) =>
        new(World.Update(timestamp, roots, currentKey, nextKey));

    /// <summary>Reads a serialised moon. Does not check the signature: see <see cref="Verify()"/>.</summary>
    /// <exception cref="FormatException">The bytes are not a moon.</exception>
    public static Moon Parse(ReadOnlySpan<byte> bytes) =>
        TryParse(bytes, out var moon) ? moon : throw new FormatException("The bytes are not a ZeroTier moon.");

    /// <summary>Reads a serialised moon that fills the span exactly, without throwing.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Moon? moon)
    {
        moon = World.Parse(bytes, World.MoonType) is { } world ? new Moon(world) : null;
        return moon is not null;
    }

    /// <summary>Reads a moon from a file as made by <c>zerotier-idtool genmoon</c>.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is not a moon.</exception>
    public static Moon Load(string path) =>
        World.Load(path, World.MoonType) is { } world ? new Moon(world) : throw new FormatException($"'{path}' is not a ZeroTier moon.");

    /// <summary>Writes the moon to a file, replacing it as a whole.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) => PrivateFile.Write(path, World.Bytes, secret: false, overwrite: true);

    /// <summary>The serialised form.</summary>
    public byte[] ToBytes() => [.. World.Bytes];

    /// <summary>
    /// True when the signature is by the moon's own <see cref="UpdateKey"/>. So it is for the first revision, and as long as the key does
    /// not change.
    /// </summary>
    public bool Verify() => World.Verify();

    /// <summary>
    /// Whether this moon may replace another: same ID, later, and signed by the other's <see cref="UpdateKey"/> (2.8.3).
    /// </summary>
    public bool CanReplace(Moon current)
    {
        ArgumentNullException.ThrowIfNull(current);
        return World.CanReplace(current.World);
    }
}
