using System.Reflection;
using System.Runtime.InteropServices;
using ZeroTier.Libzt.Loading;
using ZeroTier.Libzt.Native;

namespace ZeroTier.Libzt.Tests.Loading;

public sealed class LibraryProbeTests
{
    [Fact]
    public void Required_symbols_are_exactly_the_imports()
    {
        var imports = typeof(Zts).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
            .Select(
                m => m.GetCustomAttribute<DllImportAttribute>()?.EntryPoint ?? m.GetCustomAttribute<LibraryImportAttribute>()?.EntryPoint)
            .OfType<string>().Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(imports, LibztSymbols.Required.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Missing_nothing_gives_no_reason() => Assert.Null(LibraryProbe.Missing(_ => true));

    [Fact]
    public void Missing_one_symbol_names_it() =>
        Assert.Contains("zts_net_join", LibraryProbe.Missing(s => s != "zts_net_join"), StringComparison.Ordinal);

    [Fact]
    public void An_old_library_is_recognised() =>
        Assert.Contains("before version 1.4", LibraryProbe.Missing(s => s == LibztSymbols.OldStart), StringComparison.Ordinal);

    [Fact]
    public void Another_library_is_recognised() => Assert.Contains("not libzt", LibraryProbe.Missing(_ => false), StringComparison.Ordinal);

    [Fact]
    public void TryOpen_missing_file_says_so()
    {
        Assert.False(
            LibraryProbe.TryOpen(new LibraryCandidate(Path.GetFullPath("/nowhere/libzt.so")), out nint handle, out string? reason));
        Assert.Equal("no such file", reason);
        Assert.Equal(0, handle);
    }

    [Fact]
    public async Task TryOpen_file_that_is_no_library_gives_the_loaders_message()
    {
        string file = Path.Combine(Path.GetTempPath(), $"zt-no-library-{Guid.NewGuid():N}.so");
        await File.WriteAllTextAsync(file, "not a library", TestContext.Current.CancellationToken);
        try
        {
            Assert.False(LibraryProbe.TryOpen(new LibraryCandidate(file), out _, out string? reason));
            Assert.NotEmpty(reason);
            Assert.DoesNotContain("In order to help", reason, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void TryOpen_path_without_library_lists_it_and_the_remedies()
    {
        Assert.False(LibrarySearch.TryOpen("/nowhere/libzt.so", out _, out nint handle, out var error));

        Assert.Equal(0, handle);
        Assert.Equal(ZeroTierError.NotSupported, error.Error);
        Assert.Contains($"{Path.GetFullPath("/nowhere/libzt.so")}: no such file", error.Message, StringComparison.Ordinal);
        Assert.Contains(LibztLibrary.PathVariable, error.Message, StringComparison.Ordinal);
        Assert.Contains("Managed", error.Message, StringComparison.Ordinal);
    }
}
