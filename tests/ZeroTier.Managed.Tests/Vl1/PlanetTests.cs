using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1;

public sealed class PlanetTests
{
    [Fact]
    public void The_default_planet_parses_verifies_and_serialises_to_the_same_bytes()
    {
        byte[] bytes = DefaultPlanet();
        var planet = Planet.Parse(bytes);
        Assert.Equal(149604618ul, planet.Id);
        Assert.Equal(1644592324813ul, planet.Timestamp);
        Assert.Equal(
            ["cafe9efeb9", "778cde7190", "62f865ae71", "cafe04eba9"], planet.Roots.Select(root => root.Identity.Address.ToString()));
        Assert.Equal("104.194.8.134:9993", planet.Roots[0].EndPoints[0].ToString());
        Assert.Equal("[2a02:6ea0:d405::9993]:9993", planet.Roots[3].EndPoints[1].ToString());
        Assert.True(planet.Verify());
        Assert.False(planet.IsLoopbackOnly);
        Assert.Equal(bytes, planet.ToBytes());
    }

    [Theory]
    [InlineData("trace-adhoc.json")]
    [InlineData("trace-relay.json")]
    public void The_planets_of_the_traces_verify(string file)
    {
        var planet = Planet.Parse(VectorFile.Json(file).Hex("planet_hex"));
        Assert.True(planet.Verify());
        Assert.Equal(VectorFile.Identities(file)["root"], planet.Roots[0].Identity);
    }

    [Fact]
    public void Verify_any_bit_flipped_fails()
    {
        byte[] bytes = DefaultPlanet();
        for (int i = 1; i < bytes.Length; i += 7)
        {
            bytes[i] ^= 0x10;
            Assert.False(Planet.TryParse(bytes, out var planet) && planet.Verify(), $"byte {i}");
            bytes[i] ^= 0x10;
        }
    }

    [Fact]
    public void Create_round_trips_and_is_accepted_by_itself()
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        var roots = new[]
        {
            new PlanetRoot(TestIdentities.All[0], [Vl1Simulation.EndPoint("10.0.0.1"), Vl1Simulation.EndPoint("fd00::1")]),
        };
        var planet = Planet.Create(5, DateTimeOffset.UnixEpoch.AddDays(1), roots, key);
        var read = Planet.Parse(planet.ToBytes());
        Assert.True(read.Verify());
        Assert.Equal(86_400_000ul, read.Timestamp);
        Assert.Equal(planet.Roots[0].EndPoints, read.Roots[0].EndPoints);
        Assert.Equal(178 + 71 + 1 + 7 + 19, planet.ToBytes().Length);
    }

    [Fact]
    public void Can_replace_only_later_same_id_and_signed_by_the_current_key()
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(1));
        using var next = PlanetSigningKey.Generate(new SeededRandom(2));
        var start = DateTimeOffset.UnixEpoch.AddYears(50);
        var root = new PlanetRoot(TestIdentities.All[0], []);
        var other = new PlanetRoot(TestIdentities.All[1], []);
        var first = Planet.Create(5, start, [root], key);
        var second = first.Update(start.AddSeconds(1), [root, other], key, next);
        var third = second.Update(start.AddSeconds(2), [other], next);
        Assert.True(second.CanReplace(first));
        Assert.True(third.CanReplace(second));
        Assert.False(first.CanReplace(second));
        Assert.False(first.CanReplace(first));
        Assert.False(third.CanReplace(first));
        Assert.False(Planet.Create(6, start.AddSeconds(1), [root], key).CanReplace(first));
        Assert.False(Planet.Create(5, start.AddSeconds(1), [root], next).CanReplace(first));
        Assert.Throws<ArgumentException>(() => first.Update(start, [root], key));
        Assert.Throws<ArgumentException>(() => second.Update(start.AddSeconds(5), [root], key));
        Assert.Throws<ArgumentException>(() => Planet.Create(5, start, [], key));
    }

    [Fact]
    public void Save_then_load_gives_the_same_planet_and_rubbish_is_refused()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var planet = Planet.Parse(DefaultPlanet());
            planet.Save(path);
            Assert.Equal(planet.ToBytes(), Planet.Load(path).ToBytes());
            File.WriteAllBytes(path, [.. planet.ToBytes(), 0]);
            Assert.Throws<FormatException>(() => Planet.Load(path));
            File.WriteAllBytes(path, new byte[100_000]);
            Assert.Throws<FormatException>(() => Planet.Load(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_signing_key_signs_what_its_public_half_verifies()
    {
        using var key = PlanetSigningKey.Generate(new SeededRandom(3));
        byte[] signature = key.Sign([1, 2, 3]);
        Assert.True(PlanetSigningKey.Verify(key.PublicKey, [1, 2, 3], signature));
        Assert.False(PlanetSigningKey.Verify(key.PublicKey, [1, 2, 4], signature));
        Assert.Throws<ArgumentException>(() => PlanetSigningKey.FromPrivateKey(new byte[10]));
    }

    [Fact]
    public void A_remembered_peer_round_trips_in_the_reference_format()
    {
        var known = new KnownPeer(TestIdentities.All[2], new PeerVersion(12, 1, 12, 0), [Vl1Simulation.EndPoint("10.0.0.1")]);
        var bytes = new byte[KnownPeer.MaxSize];
        int length = known.Write(bytes);
        Assert.Equal(89, length);
        var read = KnownPeer.TryRead(bytes.AsSpan(0, length));
        Assert.NotNull(read);
        Assert.Equal(known.Identity, read.Identity);
        Assert.Equal(known.Version, read.Version);
        Assert.Equal(known.EndPoints, read.EndPoints);
        for (int i = 0; i < length; i++)
        {
            Assert.Null(KnownPeer.TryRead(bytes.AsSpan(0, i)));
        }
    }

    internal static byte[] DefaultPlanet()
    {
        using var stream = typeof(PlanetTests).Assembly.GetManifestResourceStream("Vectors/planet-default.hex")!;
        using var reader = new StreamReader(stream);
        return Convert.FromHexString(string.Concat(reader.ReadToEnd().Where(char.IsAsciiHexDigit)));
    }
}
