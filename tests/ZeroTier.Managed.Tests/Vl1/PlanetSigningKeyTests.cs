using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

public sealed class PlanetSigningKeyTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("zt-key-");

    private string KeyFile => Path.Combine(_directory.FullName, "planet.key");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Save_then_Load_gives_the_same_key_in_a_file_for_its_owner_only()
    {
        using var key = PlanetSigningKey.Generate();
        key.Save(KeyFile);
        using var loaded = PlanetSigningKey.Load(KeyFile);

        Assert.Equal(key.PublicKey.ToArray(), loaded.PublicKey.ToArray());
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
        }
    }

    [Fact]
    public void Save_never_overwrites_a_key()
    {
        File.WriteAllText(KeyFile, "precious");
        using var key = PlanetSigningKey.Generate();

        Assert.Throws<IOException>(() => key.Save(KeyFile));
        Assert.Equal("precious", File.ReadAllText(KeyFile));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not hexadecimal")]
    [InlineData("00ff")]
    public void Load_of_a_damaged_file_names_it(string content)
    {
        File.WriteAllText(KeyFile, content);

        Assert.Contains(KeyFile, Assert.Throws<FormatException>(() => PlanetSigningKey.Load(KeyFile)).Message, StringComparison.Ordinal);
    }
}
