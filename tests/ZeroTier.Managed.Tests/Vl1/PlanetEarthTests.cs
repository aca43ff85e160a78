using System.Text;

namespace ZeroTier.Managed.Tests.Vl1;

public sealed class PlanetEarthTests
{
    [Fact]
    public void Earth_is_the_published_planet_signed_by_its_own_key()
    {
        using var stream = typeof(PlanetEarthTests).Assembly.GetManifestResourceStream("Vectors/planet-default.hex")!;
        using var reader = new StreamReader(stream, Encoding.ASCII);
        string hex = string.Concat(reader.ReadToEnd().Where(char.IsAsciiHexDigit));

        Assert.Equal(hex, Convert.ToHexStringLower(Planet.Earth.ToBytes()));
        Assert.True(Planet.Earth.Verify());
        Assert.Equal(4, Planet.Earth.Roots.Count);
    }
}
