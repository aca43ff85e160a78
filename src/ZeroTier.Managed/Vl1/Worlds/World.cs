using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace ZeroTier.Managed.Vl1.Worlds;

/// <summary>What planets and moons have in common: a signed list of roots (docs/protocol/2-vl1.md 2.8). Immutable.</summary>
internal sealed class World
{
    public const byte PlanetType = 1;
    public const byte MoonType = 127;

    private const int UpdateKeyOffset = 17;
    private const int SignatureOffset = UpdateKeyOffset + PlanetSigningKey.PublicKeySize;
    private const int RootCountOffset = SignatureOffset + PlanetSigningKey.SignatureSize;
    private const int ExtensionSize = 2;

    /// <summary>Longest serialised form that we write, and longest moon that we read, its extension included.</summary>
    public const int MaxSize =
        RootCountOffset + 1 + Vl1Limits.Roots * (72 + Vl1Limits.EndPointsPerRoot * WireAddress.MaxSize) + ExtensionSize;

    private readonly byte[] _bytes;

    private World(byte[] bytes, PlanetRoot[] roots)
    {
        _bytes = bytes;
        Roots = roots;
    }

    public byte Type => _bytes[0];

    public ulong Id => BinaryPrimitives.ReadUInt64BigEndian(_bytes.AsSpan(1));

    public ulong Timestamp => BinaryPrimitives.ReadUInt64BigEndian(_bytes.AsSpan(9));

    public WorldVersion Version => new(Id, Timestamp);

    public ReadOnlySpan<byte> UpdateKey => _bytes.AsSpan(UpdateKeyOffset, PlanetSigningKey.PublicKeySize);

    public ReadOnlySpan<byte> Signature => _bytes.AsSpan(SignatureOffset, PlanetSigningKey.SignatureSize);

    public IReadOnlyList<PlanetRoot> Roots { get; }

    public ReadOnlySpan<byte> Bytes => _bytes;

    public bool Verify() => VerifyWith(UpdateKey);

    /// <summary>2.8.3: same type, same ID, later, and signed by the other's update key.</summary>
    public bool CanReplace(World current) =>
        Type == current.Type && Id == current.Id && Timestamp > current.Timestamp && VerifyWith(current.UpdateKey);

    /// <summary>Reads a planet or moon at the beginning of a span. Does not check the signature.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out World? world, out int length)
    {
        world = null;
        length = 0;
        if (bytes.Length <= RootCountOffset || bytes[0] is not (PlanetType or MoonType) || bytes[RootCountOffset] > Vl1Limits.Roots)
        {
            return false;
        }

        int at = RootCountOffset + 1;
        var roots = new PlanetRoot[bytes[RootCountOffset]];
        for (int i = 0; i < roots.Length; i++)
        {
            if (!WireIdentity.TryRead(bytes[at..], out var identity) || bytes.Length <= at + NodeIdentity.BinarySize
                || bytes[at + NodeIdentity.BinarySize] > Vl1Limits.EndPointsPerRoot)
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

        if (bytes[0] == MoonType)
        {
            if (bytes.Length < at + ExtensionSize)
            {
                return false;
            }

            at += ExtensionSize + BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
            if (bytes.Length < at || at > MaxSize)
            {
                return false;
            }
        }

        length = at;
        world = new World(bytes[..at].ToArray(), roots);
        return true;
    }

    /// <summary>Reads a planet or moon that fills the span exactly.</summary>
    public static World? Parse(ReadOnlySpan<byte> bytes, byte type) =>
        TryRead(bytes, out var world, out int length) && length == bytes.Length && world.Type == type ? world : null;

    /// <summary>Reads a file; null when it is not a world of this type.</summary>
    public static World? Load(string path, byte type)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[MaxSize + 1];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Parse(bytes.AsSpan(0, length), type);
    }

    /// <summary>Creates and signs a world.</summary>
    public static World Create(
        byte type, ulong id, ulong timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey signer, ReadOnlySpan<byte> updateKey)
    {
        string what = type == MoonType ? "moon" : "planet";
        ArgumentOutOfRangeException.ThrowIfZero(id);
        ArgumentNullException.ThrowIfNull(roots);
        PlanetRoot[] list = [.. roots];
        if (list.Length is 0 or > Vl1Limits.Roots || list.Any(root => root.EndPoints.Count > Vl1Limits.EndPointsPerRoot))
        {
            throw new ArgumentException(
                $"A {what} has 1 to {Vl1Limits.Roots} roots with at most {Vl1Limits.EndPointsPerRoot} endpoints each.", nameof(roots));
        }

        var bytes = new byte[MaxSize];
        bytes[0] = type;
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

        // An empty extension.
        at += type == MoonType ? ExtensionSize : 0;
        Array.Resize(ref bytes, at);
        signer.Sign(SignedBytes(bytes)).CopyTo(bytes.AsSpan(SignatureOffset));
        return new World(bytes, list);
    }

    /// <summary>Creates and signs the next revision.</summary>
    public World Update(DateTimeOffset timestamp, IEnumerable<PlanetRoot> roots, PlanetSigningKey currentKey, PlanetSigningKey nextKey)
    {
        ArgumentNullException.ThrowIfNull(currentKey);
        ArgumentNullException.ThrowIfNull(nextKey);
        string what = Type == MoonType ? "moon" : "planet";
        ulong milliseconds = (ulong)timestamp.ToUnixTimeMilliseconds();
        if (milliseconds <= Timestamp)
        {
            throw new ArgumentException($"An update must be later than the {what} it replaces.", nameof(timestamp));
        }

        if (!UpdateKey.SequenceEqual(currentKey.PublicKey))
        {
            throw new ArgumentException($"The {what} names another key for its update.", nameof(currentKey));
        }

        return Create(Type, Id, milliseconds, roots, currentKey, nextKey.PublicKey);
    }

    /// <summary>The bytes that are signed: the serialised form without the signature, between two markers (2.8.2).</summary>
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
