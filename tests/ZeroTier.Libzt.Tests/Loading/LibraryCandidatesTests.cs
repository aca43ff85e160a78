using ZeroTier.Libzt.Loading;

namespace ZeroTier.Libzt.Tests.Loading;

public sealed class LibraryCandidatesTests
{
    private static readonly string _base = Path.GetFullPath("/app");

    [Fact]
    public void Without_a_path_the_package_layout_comes_first_and_the_systems_loader_last()
    {
        var places = LibraryCandidates.For(null, _base, ["debian.12-x64", "linux-x64"], ["libzt.so"]);

        Assert.Equal(
            [
                Path.Combine(_base, "runtimes", "debian.12-x64", "native", "libzt.so"),
                Path.Combine(_base, "runtimes", "linux-x64", "native", "libzt.so"),
                Path.Combine(_base, "libzt.so"),
                "libzt.so",
            ],
            places.Select(p => p.Path));
        Assert.True(places[^1].IsName);
        Assert.Contains("system's loader", places[^1].ToString(), StringComparison.Ordinal);
        Assert.All(places.SkipLast(1), p => Assert.False(p.IsName));
    }

    [Fact]
    public void A_named_file_is_the_only_place() =>
        Assert.Equal(
            [Path.GetFullPath("/opt/zt/mine.so")],
            LibraryCandidates.For("/opt/zt/mine.so", _base, ["linux-x64"], ["libzt.so"]).Select(p => p.Path));

    [Fact]
    public void A_named_folder_is_searched_for_the_platforms_names()
    {
        string folder = AppContext.BaseDirectory;
        Assert.Equal(
            [Path.Combine(folder, "libzt.dll"), Path.Combine(folder, "zt-shared.dll")],
            LibraryCandidates.For(folder, _base, ["win-x64"], ["libzt.dll", "zt-shared.dll"]).Select(p => p.Path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void An_empty_path_names_nothing(string path) =>
        Assert.Equal(3, LibraryCandidates.For(path, _base, ["linux-x64"], ["libzt.so"]).Count);
}
