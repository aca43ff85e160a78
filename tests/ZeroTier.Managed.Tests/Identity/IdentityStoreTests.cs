using System.Diagnostics;
using System.Runtime.Versioning;

namespace ZeroTier.Managed.Tests.Identity;

public sealed class IdentityStoreTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("zt-identity-").FullName;

    private string Node => Path.Combine(_root, "node");

    private string SecretFile => Path.Combine(Node, IdentityStore.SecretFileName);

    private string PublicFile => Path.Combine(Node, IdentityStore.PublicFileName);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Open_async_new_directory_makes_an_identity_that_is_loaded_the_next_time()
    {
        string text;
        using (IdentityStore store = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation))
        {
            Assert.True(store.IsNew);
            text = store.Identity.ToSecretText();
            Assert.Equal(text, await File.ReadAllTextAsync(SecretFile, Cancellation));
            Assert.Equal(store.Identity.ToString(), await File.ReadAllTextAsync(PublicFile, Cancellation));
        }

        using IdentityStore again = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        Assert.False(again.IsNew);
        Assert.Equal(text, again.Identity.ToSecretText());
        Assert.Equal(
            [IdentityStore.PublicFileName, IdentityStore.SecretFileName, IdentityStore.LockFileName],
            Directory.GetFiles(Node).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Open_async_given_identity_is_stored_in_a_directory_without_one_only()
    {
        using NodeIdentity given = NodeIdentityTests.Load(0), other = NodeIdentityTests.Load(1);
        using (IdentityStore store = await IdentityStore.OpenAsync(Node, given, Cancellation))
        {
            Assert.True(store.IsNew);
            Assert.Equal(given, store.Identity);
        }

        // The store has overwritten its own copy of the private key.
        Assert.Equal(await File.ReadAllTextAsync(SecretFile, Cancellation), given.ToSecretText());
        Assert.Equal(given.ToString(), await File.ReadAllTextAsync(PublicFile, Cancellation));
        using IdentityStore again = await IdentityStore.OpenAsync(Node, other, Cancellation);
        Assert.False(again.IsNew);
        Assert.Equal(given, again.Identity);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task Open_async_new_directory_modes_are_those_of_a_secret()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix modes");
        using IdentityStore store = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        Assert.Equal("700", Convert.ToString((int)File.GetUnixFileMode(Node), 8));
        Assert.Equal("600", Convert.ToString((int)File.GetUnixFileMode(SecretFile), 8));
        Assert.Equal("644", Convert.ToString((int)File.GetUnixFileMode(PublicFile), 8));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task Open_async_secret_readable_by_others_is_tightened()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix modes");
        PutIdentity(0);
        File.SetUnixFileMode(SecretFile, (UnixFileMode)Convert.ToInt32("644", 8));
        using IdentityStore store = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        Assert.Equal("600", Convert.ToString((int)File.GetUnixFileMode(SecretFile), 8));
    }

    [Fact]
    public async Task Open_async_secret_of_the_reference_is_loaded_and_the_public_file_made()
    {
        PutIdentity(0);
        using IdentityStore store = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        Assert.False(store.IsNew);
        Assert.Equal(NodeIdentityTests.Load(0), store.Identity);
        Assert.Equal(store.Identity.ToString(), await File.ReadAllTextAsync(PublicFile, Cancellation));
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("cut off")]
    [InlineData("public only")]
    [InlineData("key of another")]
    [InlineData("wrong address")]
    [InlineData("huge")]
    public async Task Open_async_damaged_secret_is_a_clear_error_and_nothing_changes(string damage)
    {
        string good = NodeIdentityTests.Load(0).ToSecretText(), other = NodeIdentityTests.Load(1).ToSecretText();
        string content = damage switch
        {
            "empty" => "",
            "cut off" => good[..200],
            "public only" => good[..NodeIdentity.TextLength],
            "key of another" => good[..NodeIdentity.TextLength] + other[NodeIdentity.TextLength..],
            "wrong address" => other[..10] + good[10..],
            _ => good + new string(' ', 100_000),
        };
        Directory.CreateDirectory(Node);
        await File.WriteAllTextAsync(SecretFile, content, Cancellation);
        for (int attempt = 0; attempt < 2; attempt++)
        {
            // Twice: the first failure must have released the lock.
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => IdentityStore.OpenAsync(Node, cancellationToken: Cancellation));
            Assert.Equal(ZeroTierError.Storage, error.Error);
            Assert.Contains(SecretFile, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(good[150..180], error.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal(content, await File.ReadAllTextAsync(SecretFile, Cancellation));
        Assert.False(File.Exists(PublicFile));
    }

    [Fact]
    public async Task Open_async_public_file_of_another_node_is_a_clear_error_and_nothing_changes()
    {
        PutIdentity(0);
        string other = NodeIdentityTests.Load(1).ToString();
        await File.WriteAllTextAsync(PublicFile, other, Cancellation);
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => IdentityStore.OpenAsync(Node, cancellationToken: Cancellation));
        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.Contains(PublicFile, error.Message, StringComparison.Ordinal);
        Assert.Equal(other, await File.ReadAllTextAsync(PublicFile, Cancellation));
    }

    [Fact]
    public async Task Open_async_only_the_public_file_is_there_makes_no_new_identity()
    {
        Directory.CreateDirectory(Node);
        await File.WriteAllTextAsync(PublicFile, NodeIdentityTests.Load(0).ToString(), Cancellation);
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => IdentityStore.OpenAsync(Node, cancellationToken: Cancellation));
        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.False(File.Exists(SecretFile));
    }

    [Fact]
    public async Task Open_async_leftover_of_an_interrupted_write_is_replaced()
    {
        Directory.CreateDirectory(Node);
        await File.WriteAllTextAsync(SecretFile + ".new", "half a sec", Cancellation);
        using IdentityStore store = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        Assert.True(store.IsNew);
        Assert.False(File.Exists(SecretFile + ".new"));
    }

    [Fact]
    public async Task Open_async_directory_in_use_by_this_process_is_refused_until_released()
    {
        PutIdentity(0);
        using (await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation))
        {
            var error = await Assert.ThrowsAsync<ZeroTierException>(
                () => IdentityStore.OpenAsync(Node + Path.DirectorySeparatorChar, cancellationToken: Cancellation));
            Assert.Equal(ZeroTierError.Storage, error.Error);
            Assert.Contains(Node, error.Message, StringComparison.Ordinal);
            Assert.Contains("in use by another node", error.Message, StringComparison.Ordinal);
        }

        using IdentityStore again = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        Assert.True(again.Identity.HasSecret);
    }

    [Fact]
    public async Task Open_async_directory_in_use_by_another_process_is_refused_until_that_ends()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/flock"), "needs flock(1)");
        PutIdentity(0);
        string lockFile = Path.Combine(Node, IdentityStore.LockFileName);
        await File.WriteAllTextAsync(lockFile, "", Cancellation);
        using var holder = Process.Start(new ProcessStartInfo("/usr/bin/flock", ["--no-fork", lockFile, "sh", "-c", "echo held; exec cat"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            Assert.Equal("held", await holder.StandardOutput.ReadLineAsync(Cancellation));
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => IdentityStore.OpenAsync(Node, cancellationToken: Cancellation));
            Assert.Equal(ZeroTierError.Storage, error.Error);
            Assert.Contains(lockFile, error.Message, StringComparison.Ordinal);
        }
        finally
        {
            holder.StandardInput.Close();
            await holder.WaitForExitAsync(Cancellation);
        }

        using IdentityStore store = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        Assert.True(store.Identity.HasSecret);
    }

    [Fact]
    public async Task Open_async_cancelled_stores_nothing_and_releases_the_lock()
    {
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => IdentityStore.OpenAsync(Node, new CancellingRandom(cancellation), cancellation.Token));
        Assert.False(File.Exists(SecretFile));
        using IdentityStore store = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        Assert.True(store.IsNew);
    }

    [Fact]
    public async Task Open_async_path_is_a_file_is_a_storage_error()
    {
        string file = Path.Combine(_root, "file");
        await File.WriteAllTextAsync(file, "", Cancellation);
        var error = await Assert.ThrowsAsync<ZeroTierException>(() => IdentityStore.OpenAsync(file, cancellationToken: Cancellation));
        Assert.Equal(ZeroTierError.Storage, error.Error);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dispose_open_store_forgets_the_secret()
    {
        PutIdentity(0);
        IdentityStore store = await IdentityStore.OpenAsync(Node, cancellationToken: Cancellation);
        store.Dispose();
        store.Dispose();
        Assert.False(store.Identity.HasSecret);
    }

    private void PutIdentity(int index)
    {
        Directory.CreateDirectory(Node);
        File.WriteAllText(SecretFile, NodeIdentityTests.Load(index).ToSecretText() + "\n");
    }
}
