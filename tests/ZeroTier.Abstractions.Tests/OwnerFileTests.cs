using System.Runtime.Versioning;
using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.Abstractions.Tests;

/// <summary>Files of a storage folder are whole or not there, and lie where they seem to.</summary>
public sealed class OwnerFileTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody = (UnixFileMode)0b111_111_111;

    private readonly string _outside = Directory.CreateTempSubdirectory("zt-outside-").FullName;
    private readonly string _folder = Directory.CreateTempSubdirectory("zt-folder-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        Directory.Delete(_outside, recursive: true);
    }

    [Fact]
    public void Write_replaces_the_file_as_a_whole()
    {
        string file = Path.Combine(_folder, "file");
        PrivateFile.Write(file, "old"u8, secret: true, overwrite: false);
        using var reader = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

        PrivateFile.Write(file, "new, and longer"u8, secret: true, overwrite: true);

        // Who has the old file open still reads it: it was never touched.
        Assert.Equal("old", new StreamReader(reader).ReadToEnd());
        Assert.Equal("new, and longer", File.ReadAllText(file));
        Assert.Equal([file], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Write_that_fails_leaves_the_old_file()
    {
        string file = Path.Combine(_folder, "file");
        PrivateFile.Write(file, "old"u8, secret: true, overwrite: false);
        Directory.CreateDirectory(file + ".new");

        Assert.ThrowsAny<Exception>(() => PrivateFile.Write(file, "new"u8, secret: true, overwrite: true));
        Directory.Delete(file + ".new");
        Assert.Throws<IOException>(() => PrivateFile.Write(file, "new"u8, secret: true, overwrite: false));

        Assert.Equal("old", File.ReadAllText(file));
        Assert.Equal([file], Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [UnsupportedOSPlatform("windows")]
    public void Write_sets_the_mode(bool secret)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Files have no Unix modes there.");
        string file = Path.Combine(_folder, "file");

        PrivateFile.Write(file, "x"u8, secret, overwrite: true);

        Assert.Equal(secret ? OwnerOnly : OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(file));
    }

    [Fact]
    public void Write_over_a_link_replaces_the_link()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");
        string target = Target();
        string file = Path.Combine(_folder, "file");
        File.CreateSymbolicLink(file, target);
        File.CreateSymbolicLink(file + ".new", target);

        PrivateFile.Write(file, "new"u8, secret: false, overwrite: true);

        Assert.Equal("target", File.ReadAllText(target));
        Assert.Null(new FileInfo(file).LinkTarget);
        Assert.Equal("new", File.ReadAllText(file));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Link_where_others_may_write_is_not_followed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Files have no Unix modes there.");
        string target = Target();
        var mode = File.GetUnixFileMode(target);
        string file = Path.Combine(_folder, "file");
        string folder = Path.Combine(_folder, "folder");
        File.CreateSymbolicLink(file, target);
        Directory.CreateSymbolicLink(folder, _outside);

        // In the owner's own folder a link is his, and followed: so are the secrets that Kubernetes mounts.
        Assert.Equal("target"u8, PrivateFile.Read(file, 10));
        OwnerFolder.CreateInside(folder);
        OwnerFolder.RefuseLinks(_folder);

        File.SetUnixFileMode(_folder, Everybody);
        Assert.Contains("chmod go-w", Assert.Throws<IOException>(() => PrivateFile.Read(file, 10)).Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => PrivateFile.OpenRead(file));
        Assert.Throws<IOException>(() => PrivateFile.Tighten(file));
        Assert.Throws<IOException>(() => OwnerFolder.CreateInside(folder));
        Assert.Throws<IOException>(() => OwnerFolder.RefuseLinks(_folder));
        Assert.Equal(mode, File.GetUnixFileMode(target));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Lock_is_never_taken_through_a_link(bool dangling)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");
        string target = dangling ? Path.Combine(_outside, "missing") : Target();
        string file = Path.Combine(_folder, "lock");
        File.CreateSymbolicLink(file, target);

        Assert.Contains("symbolic link", Assert.Throws<IOException>(() => PrivateFile.Lock(file)).Message, StringComparison.Ordinal);
        Assert.Equal(!dangling, File.Exists(target));
    }

    [Fact]
    public void Lock_is_held_once_and_free_again()
    {
        string file = Path.Combine(_folder, "lock");
        using (PrivateFile.Lock(file))
        {
            Assert.ThrowsAny<IOException>(() => PrivateFile.Lock(file));
        }

        PrivateFile.Lock(file).Dispose();
        Assert.Throws<DirectoryNotFoundException>(() => PrivateFile.Lock(Path.Combine(_folder, "missing", "lock")));
    }

    [Fact]
    public void Read_longer_than_it_may_be_is_refused()
    {
        string file = Target();
        Assert.Equal("target"u8, PrivateFile.Read(file, 6));
        Assert.Contains(
            "longer than 5 bytes", Assert.Throws<IOException>(() => PrivateFile.Read(file, 5)).Message, StringComparison.Ordinal);
    }

    private string Target()
    {
        string target = Path.Combine(_outside, "target");
        File.WriteAllText(target, "target");
        return target;
    }
}
