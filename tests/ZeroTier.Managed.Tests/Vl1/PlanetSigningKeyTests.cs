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
    public void Save_that_was_cut_off_before_does_not_matter()
    {
        File.WriteAllText(KeyFile + ".new", "half a k");
        using var key = PlanetSigningKey.Generate();
        key.Save(KeyFile);
        using var loaded = PlanetSigningKey.Load(KeyFile);
        Assert.Equal(key.PublicKey.ToArray(), loaded.PublicKey.ToArray());
        Assert.False(File.Exists(KeyFile + ".new"));
    }

    [Fact]
    public void Load_takes_away_what_others_may_do_with_the_file()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has access lists.");
            return;
        }

        using var key = PlanetSigningKey.Generate();
        key.Save(KeyFile);
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        PlanetSigningKey.Load(KeyFile).Dispose();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
    }

    [Fact]
    public void Save_never_overwrites_a_key()
    {
        File.WriteAllText(KeyFile, "precious");
        using var key = PlanetSigningKey.Generate();

        Assert.Throws<IOException>(() => key.Save(KeyFile));
        Assert.Equal("precious", File.ReadAllText(KeyFile));
        Assert.False(File.Exists(KeyFile + ".new"));
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
