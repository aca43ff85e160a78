using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using ZeroTier.Engines;
using ZeroTier.Managed.Vl1;

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

    private const byte TypePlanet = 1;
    private const int UpdateKeyOffset = 17;
    private const int SignatureOffset = UpdateKeyOffset + PlanetSigningKey.PublicKeySize;
    private const int RootCountOffset = SignatureOffset + PlanetSigningKey.SignatureSize;
    internal const int MaxSize = RootCountOffset + 1 + MaxRoots * (72 + MaxEndPointsPerRoot * WireAddress.MaxSize);

    private readonly byte[] _bytes;

    private Planet(byte[] bytes, PlanetRoot[] roots)
    {
        _bytes = bytes;
        Roots = roots;
    }

    /// <summary>The universe's number; it never changes. The public one has 149604618.</summary>
    public ulong Id => BinaryPrimitives.ReadUInt64BigEndian(_bytes.AsSpan(1));

    /// <summary>Milliseconds since the Unix epoch; serves as revision: an update has a later one.</summary>
    public ulong Timestamp => BinaryPrimitives.ReadUInt64BigEndian(_bytes.AsSpan(9));

    /// <summary>The 64-byte public key that must sign the next revision.</summary>
    public ReadOnlySpan<byte> UpdateKey => _bytes.AsSpan(UpdateKeyOffset, PlanetSigningKey.PublicKeySize);

    /// <summary>The roots, at most <see cref="MaxRoots"/>.</summary>
    public IReadOnlyList<PlanetRoot> Roots { get; }

    /// <summary>Makes a planet signed by the key that also has to sign its updates.</summary>
    /// <param name="id">The universe's number; anything but 0 and the public 149604618.</param>
    /// <param name="timestamp">Now, or for an update a later time than that of the planet it replaces.</param>
    /// <param name="roots">1 to 4 roots, each with 0 to 32 endpoints.</param>
    /// <param name="signingKey">The key to sign with.</param>
    /// <exception cref="ArgumentException">Too many or no roots, or too many endpoints, or a reserved number.</exception>
    public static Planet Create(ulong id, DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey signingKey)
    {
        ArgumentNullException.ThrowIfNull(signingKey);
        return Create(id, (ulong)timestamp.ToUnixTimeMilliseconds(), roots, signingKey, signingKey.PublicKey);
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
    public Planet Update(DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey currentKey, PlanetSigningKey nextKey)
    {
        ArgumentNullException.ThrowIfNull(currentKey);
        ArgumentNullException.ThrowIfNull(nextKey);
        ulong milliseconds = (ulong)timestamp.ToUnixTimeMilliseconds();
        if (milliseconds <= Timestamp)
        {
            throw new ArgumentException("An update must be later than the planet it replaces.", nameof(timestamp));
        }

        if (!UpdateKey.SequenceEqual(currentKey.PublicKey))
        {
            throw new ArgumentException("The planet names another key for its update.", nameof(currentKey));
        }

        return Create(Id, milliseconds, roots, currentKey, nextKey.PublicKey);
    }

    /// <summary>Reads a serialised planet. Structure only: see <see cref="Verify()"/>.</summary>
    /// <exception cref="FormatException">The bytes are not a planet.</exception>
    public static Planet Parse(ReadOnlySpan<byte> bytes) =>
        TryParse(bytes, out var planet) ? planet : throw new FormatException("The bytes are not a ZeroTier planet.");

    /// <summary>Reads a serialised planet that fills the span exactly, without throwing.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Planet? planet) =>
        TryRead(bytes, out planet, out int length) && length == bytes.Length;

    /// <summary>Reads a planet from a file.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is not a planet.</exception>
    public static Planet Load(string path)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[MaxSize + 1];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return TryParse(bytes.AsSpan(0, length), out var planet) ? planet : throw new FormatException($"'{path}' is not a ZeroTier planet.");
    }

    /// <summary>Writes the planet to a file, replacing it as a whole.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) => PrivateFile.Write(path, _bytes, secret: false, overwrite: true);

    /// <summary>The serialised form, as in ZeroTierOne 1.12's planet files.</summary>
    public byte[] ToBytes() => [.. _bytes];

    /// <summary>True when the signature is by the key that the planet itself names: so for the first revision, and as long as the key stays.</summary>
    public bool Verify() => VerifyWith(UpdateKey);

    /// <summary>Whether this planet may replace another: same number, later, and signed by the key that the other names (2.8.3).</summary>
    public bool CanReplace(Planet current)
    {
        ArgumentNullException.ThrowIfNull(current);
        return Id == current.Id && Timestamp > current.Timestamp && VerifyWith(current.UpdateKey);
    }

    /// <summary>True when every root endpoint is in 127.0.0.0/8 or is ::1 and there is one: then nothing is ever sent anywhere else.</summary>
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

    internal WorldVersion Version => new(Id, Timestamp);

    /// <summary>The serialised form without a copy.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Reads a planet at the begin of a span.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Planet? planet, out int length)
    {
        planet = null;
        length = 0;
        if (bytes.Length <= RootCountOffset || bytes[0] != TypePlanet || bytes[RootCountOffset] > MaxRoots)
        {
            return false;
        }

        int at = RootCountOffset + 1;
        var roots = new PlanetRoot[bytes[RootCountOffset]];
        for (int i = 0; i < roots.Length; i++)
        {
            if (!WireIdentity.TryRead(bytes[at..], out var identity) || bytes.Length <= at + NodeIdentity.BinarySize
                || bytes[at + NodeIdentity.BinarySize] > MaxEndPointsPerRoot)
            {
                return false;
            }

            at += NodeIdentity.BinarySize;
            var endPoints = new List<InetEndPoint>();
            int count = bytes[at++];
            for (int k = 0; k < count; k++)
            {
                if (!WireAddress.TryRead(bytes[at..], out var endPoint, out int size))
                {
                    return false;
                }

                at += size;
                if (!endPoint.IsNone)
                {
                    endPoints.Add(endPoint);
                }
            }

            roots[i] = new PlanetRoot(identity, endPoints);
        }

        length = at;
        planet = new Planet(bytes[..at].ToArray(), roots);
        return true;
    }

    private static Planet Create(ulong id, ulong timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey signer, ReadOnlySpan<byte> updateKey)
    {
        ArgumentOutOfRangeException.ThrowIfZero(id);
        ArgumentNullException.ThrowIfNull(roots);
        PlanetRoot[] list = [.. roots];
        if (list.Length is 0 or > MaxRoots || list.Any(root => root.EndPoints.Count > MaxEndPointsPerRoot))
        {
            throw new ArgumentException($"A planet has 1 to {MaxRoots} roots with at most {MaxEndPointsPerRoot} endpoints each.", nameof(roots));
        }

        var bytes = new byte[MaxSize];
        bytes[0] = TypePlanet;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(1), id);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(9), timestamp);
        updateKey.CopyTo(bytes.AsSpan(UpdateKeyOffset));
        bytes[RootCountOffset] = (byte)list.Length;
        int at = RootCountOffset + 1;
        foreach (var root in list)
        {
            at += root.Identity.WriteTo(bytes.AsSpan(at));
            bytes[at++] = (byte)root.EndPoints.Count;
            foreach (var endPoint in root.EndPoints)
            {
                at += WireAddress.Write(bytes.AsSpan(at), endPoint);
            }
        }

        Array.Resize(ref bytes, at);
        signer.Sign(SignedBytes(bytes)).CopyTo(bytes.AsSpan(SignatureOffset));
        return new Planet(bytes, list);
    }

    /// <summary>What the signature covers: the serialised form without the signature, between two marks (2.8.2).</summary>
    private static byte[] SignedBytes(ReadOnlySpan<byte> bytes)
    {
        const int Mark = 8;
        int rest = bytes.Length - RootCountOffset;
        var message = new byte[Mark + SignatureOffset + rest + Mark];
        message.AsSpan(0, Mark).Fill(0x7f);
        bytes[..SignatureOffset].CopyTo(message.AsSpan(Mark));
        bytes[RootCountOffset..].CopyTo(message.AsSpan(Mark + SignatureOffset));
        message.AsSpan(message.Length - Mark).Fill(0xf7);
        return message;
    }

    private bool VerifyWith(ReadOnlySpan<byte> publicKey) =>
        PlanetSigningKey.Verify(publicKey, SignedBytes(_bytes), _bytes.AsSpan(SignatureOffset, PlanetSigningKey.SignatureSize));
}

/// <summary>A root of a planet. Immutable.</summary>
public sealed record PlanetRoot
{
    /// <summary>Makes a root.</summary>
    /// <param name="identity">Its public identity.</param>
    /// <param name="endPoints">Where it is reached. Only these IP addresses (with any port) are ever accepted as its paths; when empty, all are.</param>
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
