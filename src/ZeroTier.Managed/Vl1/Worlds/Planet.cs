using System.Diagnostics.CodeAnalysis;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1.Worlds;
using ZeroTier.Platform;

namespace ZeroTier.Managed;

/// <summary>The signed list of a ZeroTier universe's roots (docs/protocol/2-vl1.md 2.8). Immutable and thread-safe.</summary>
/// <remarks>
/// Whoever can choose a node's planet decides its roots. Every node of one universe, the roots included, has the same planet;
/// a root recognises itself by its identity.
/// </remarks>
public sealed partial class Planet
{
    /// <summary>Number of roots at most.</summary>
    public const int MaxRoots = Vl1Limits.Roots;

    /// <summary>Number of endpoints of a root at most.</summary>
    public const int MaxEndPointsPerRoot = Vl1Limits.EndPointsPerRoot;

    internal const int MaxSize = World.MaxSize;

    internal Planet(World world) => World = world;

    /// <summary>The universe's number; it never changes. The public one has 149604618.</summary>
    public ulong Id => World.Id;

    /// <summary>Milliseconds since the Unix epoch; serves as revision: an update has a later one.</summary>
    public ulong Timestamp => World.Timestamp;

    /// <summary>The 64-byte public key that must sign the next revision.</summary>
    public ReadOnlySpan<byte> UpdateKey => World.UpdateKey;

    /// <summary>The roots, at most <see cref="MaxRoots"/>.</summary>
    public IReadOnlyList<PlanetRoot> Roots => World.Roots;

    internal World World { get; }

    /// <summary>Makes a planet signed by the key that also has to sign its updates.</summary>
    /// <param name="id">The universe's number; anything but 0 and the public 149604618.</param>
    /// <param name="timestamp">Now, or for an update a later time than that of the planet it replaces.</param>
    /// <param name="roots">1 to 4 roots, each with 0 to 32 endpoints.</param>
    /// <param name="signingKey">The key to sign with.</param>
    /// <exception cref="ArgumentException">Too many or no roots, or too many endpoints, or a reserved number.</exception>
    public static Planet Create(ulong id, DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey signingKey)
    {
        ArgumentNullException.ThrowIfNull(signingKey);
        return new Planet(
            World.Create(World.PlanetType, id, (ulong)timestamp.ToUnixTimeMilliseconds(), roots, signingKey, signingKey.PublicKey));
    }

    /// <summary>Makes the next revision of this planet, which the same key may follow.</summary>
    /// <param name="timestamp">Later than this planet's.</param>
    /// <param name="roots">The new roots.</param>
    /// <param name="currentKey">The key that <see cref="UpdateKey"/> belongs to.</param>
    /// <exception cref="ArgumentException">The time is not later, the key is not this planet's, or the roots are not allowed.</exception>
    public Planet Update(DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey currentKey) =>
        Update(timestamp, roots, currentKey, currentKey);

    /// <summary>Makes the next revision of this planet.</summary>
    /// <param name="timestamp">Later than this planet's.</param>
    /// <param name="roots">The new roots.</param>
    /// <param name="currentKey">The key that <see cref="UpdateKey"/> belongs to.</param>
    /// <param name="nextKey">The key for the revision after.</param>
    /// <exception cref="ArgumentException">The time is not later, the key is not this planet's, or the roots are not allowed.</exception>
    public Planet Update(DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey currentKey, PlanetSigningKey nextKey) =>
        new(World.Update(timestamp, roots, currentKey, nextKey));

    /// <summary>Reads a serialised planet. Structure only: see <see cref="Verify()"/>.</summary>
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
    /// True when the signature is by the key that the planet itself names: so for the first revision, and as long as the key stays.
    /// </summary>
    public bool Verify() => World.Verify();

    /// <summary>Whether this planet may replace another: same number, later, and signed by the key that the other names (2.8.3).</summary>
    public bool CanReplace(Planet current)
    {
        ArgumentNullException.ThrowIfNull(current);
        return World.CanReplace(current.World);
    }

    /// <summary>
    /// True when every root endpoint is in 127.0.0.0/8 or is ::1 and there is one: then nothing is ever sent anywhere else.
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
    /// <summary>Makes a root.</summary>
    /// <param name="identity">Its public identity.</param>
    /// <param name="endPoints">Where it is reached. Only these IP addresses (with any port) are ever accepted as its paths; when empty, all
    /// are.</param>
    public PlanetRoot(NodeIdentity identity, IReadOnlyList<InetEndPoint> endPoints)
    {
        Identity = identity;
        EndPoints = endPoints;
    }

    /// <summary>Its public identity.</summary>
    public NodeIdentity Identity { get; init; }

    /// <summary>Where it is reached. Only these IP addresses (with any port) are ever accepted as its paths; when empty, all are.</summary>
    public IReadOnlyList<InetEndPoint> EndPoints { get; init; }
}
