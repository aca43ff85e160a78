using System.Diagnostics.CodeAnalysis;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1.Worlds;
using ZeroTier.Platform;

namespace ZeroTier.Managed;

/// <summary>The signed list of the roots that a set of nodes uses (docs/protocol/2-vl1.md 2.8). Immutable and thread-safe.</summary>
/// <remarks>
/// Whoever can choose a node's planet decides its roots. All nodes that shall reach each other, the roots included, use the same planet;
/// a root finds by its identity that it is a root.
/// </remarks>
public sealed partial class Planet
{
    /// <summary>Number of roots at most.</summary>
    public const int MaxRoots = Vl1Limits.Roots;

    /// <summary>Number of endpoints of a root at most.</summary>
    public const int MaxEndPointsPerRoot = Vl1Limits.EndPointsPerRoot;

    internal const int MaxSize = World.MaxSize;

    internal Planet(World world) => World = world;

    /// <summary>The planet's ID; it never changes. That of the public planet is 149604618.</summary>
    public ulong Id => World.Id;

    /// <summary>Milliseconds since the Unix epoch; serves as revision: an update has a later one.</summary>
    public ulong Timestamp => World.Timestamp;

    /// <summary>The 64-byte public key that must sign the next revision.</summary>
    public ReadOnlySpan<byte> UpdateKey => World.UpdateKey;

    /// <summary>The roots, at most <see cref="MaxRoots"/>.</summary>
    public IReadOnlyList<PlanetRoot> Roots => World.Roots;

    internal World World { get; }

    /// <summary>Creates a planet signed by the key that also has to sign its updates.</summary>
    /// <param name="id">The planet's ID. It must not be 0, and should not be that of the public planet, 149604618.</param>
    /// <param name="timestamp">Now, or for an update a later time than that of the planet it replaces.</param>
    /// <param name="roots">1 to 4 roots, each with 0 to 32 endpoints.</param>
    /// <param name="signingKey">The key to sign with.</param>
    /// <exception cref="ArgumentException">There are no or too many roots or too many endpoints, or the ID is 0.</exception>
    public static Planet Create(ulong id, DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey signingKey)
    {
        ArgumentNullException.ThrowIfNull(signingKey);
        return new Planet(
            World.Create(World.PlanetType, id, (ulong)timestamp.ToUnixTimeMilliseconds(), roots, signingKey, signingKey.PublicKey));
    }

    /// <summary>Creates the next revision of this planet; the same key must sign the revision after that.</summary>
    /// <param name="timestamp">Later than this planet's.</param>
    /// <param name="roots">The new roots.</param>
    /// <param name="currentKey">The key that <see cref="UpdateKey"/> belongs to.</param>
    /// <exception cref="ArgumentException">The time is not later, the key is not this planet's, or the roots are not allowed.</exception>
    public Planet Update(DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey currentKey) =>
        Update(timestamp, roots, currentKey, currentKey);

    /// <summary>Creates the next revision of this planet.</summary>
    /// <param name="timestamp">Later than this planet's.</param>
    /// <param name="roots">The new roots.</param>
    /// <param name="currentKey">The key that <see cref="UpdateKey"/> belongs to.</param>
    /// <param name="nextKey">The key that must sign the revision after that.</param>
    /// <exception cref="ArgumentException">The time is not later, the key is not this planet's, or the roots are not allowed.</exception>
    public Planet Update(DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey currentKey, PlanetSigningKey nextKey) =>
        new(World.Update(timestamp, roots, currentKey, nextKey));

    /// <summary>Reads a serialised planet. Does not check the signature: see <see cref="Verify()"/>.</summary>
    /// <exception cref="FormatException">The bytes are not a planet.</exception>
    public static Planet Parse(ReadOnlySpan<byte> bytes) =>
        TryParse(bytes, out var planet) ? planet : throw new FormatException("The bytes are not a ZeroTier planet.");

    /// <summary>Reads a serialised planet that fills the span exactly, without throwing.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Planet? planet)
    {
        planet = World.Parse(bytes, World.PlanetType) is { } world ? new Planet(world) : null;
        return planet is not null;
    }

    /// <summary>Reads a planet from a file.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is not a planet.</exception>
    public static Planet Load(string path) =>
        World.Load(path, World.PlanetType) is { } world
            ? new Planet(world)
            : throw new FormatException($"'{path}' is not a ZeroTier planet.");

    /// <summary>Writes the planet to a file, replacing it as a whole.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) => PrivateFile.Write(path, World.Bytes, secret: false, overwrite: true);

    /// <summary>The serialised form, as in ZeroTierOne 1.12's planet files.</summary>
    public byte[] ToBytes() => [.. World.Bytes];

    /// <summary>
    /// True when the signature is by the planet's own <see cref="UpdateKey"/>. So it is for the first revision, and as long as the key does
    /// not change.
    /// </summary>
    public bool Verify() => World.Verify();

    /// <summary>
    /// Whether this planet may replace another: same ID, later, and signed by the other's <see cref="UpdateKey"/> (2.8.3).
    /// </summary>
    public bool CanReplace(Planet current)
    {
        ArgumentNullException.ThrowIfNull(current);
        return World.CanReplace(current.World);
    }

    /// <summary>
    /// True when there is a root endpoint and all of them are in 127.0.0.0/8 or ::1: a node then never sends to any other address.
    /// </summary>
    public bool IsLoopbackOnly
    {
        get
        {
            bool any = false;
            foreach (var root in Roots)
            {
                foreach (var endPoint in root.EndPoints)
                {
                    any = true;
                    if (!endPoint.IsLoopback)
                    {
                        return false;
                    }
                }
            }

            return any;
        }
    }
}

/// <summary>A root of a planet or moon. Immutable.</summary>
public sealed record PlanetRoot
{
    /// <summary>Creates a root.</summary>
    /// <param name="identity">Its public identity.</param>
    /// <param name="endPoints">Its physical endpoints. Only these IP addresses (with any port) are accepted as paths to it; when empty, all
    /// are.</param>
    public PlanetRoot(NodeIdentity identity, IReadOnlyList<InetEndPoint> endPoints)
    {
        Identity = identity;
        EndPoints = endPoints;
    }

    /// <summary>Its public identity.</summary>
    public NodeIdentity Identity { get; init; }

    /// <summary>Its physical endpoints. Only these IP addresses (with any port) are accepted as paths to it; when empty, all are.</summary>
    public IReadOnlyList<InetEndPoint> EndPoints { get; init; }
}
