using ZeroTier.Managed;

namespace EndToEnd.Tests.Sandbox;

/// <summary>
/// The states in which a storage folder may be found: the node starts with its identity and says what is not kept, or says what to do.
/// </summary>
[Collection(nameof(WholeProcess))]
public sealed class StorageStateTests(SandboxedProcess sandbox, ITestOutputHelper output) : IClassFixture<SandboxedProcess>
{
    private const string ReadOnly = "mount --bind \"$D\" \"$D\" && mount -o remount,ro,bind \"$D\"";

    // A volume as Kubernetes mounts a secret: a folder that all may write, on a file system that nobody can, and links.
    private const string Kubernetes =
        "cp \"$D/identity.secret\" \"$D.secret\" && mount -t tmpfs -o mode=1777 tmpfs \"$D\" && mkdir \"$D/..2026\" && cp \"$D.secret\" "
        + "\"$D/..2026/identity.secret\" && chmod MODE \"$D/..2026/identity.secret\" && ln -s ..2026 \"$D/..data\" && ln -s "
        + "..data/identity.secret \"$D/identity.secret\" && mount -o remount,ro \"$D\"";

    private const string FullDisk =
        "cp \"$D/identity.secret\" \"$D.secret\" && mount -t tmpfs -o size=64k tmpfs \"$D\" && cp \"$D.secret\" \"$D/identity.secret\"; "
        + "KEEP dd if=/dev/zero of=\"$D/filled\" 2>/dev/null; true";

    // Root without its capabilities: the mode of a file counts for it, as for any user.
    private const string AsUser = "setpriv --bounding-set=-all";

    [Theory]
    [InlineData("missing", "rm -r \"$D\"", "", false)]
    [InlineData("empty", "rm \"$D\"/*", "", false)]
    [InlineData("whole", "true", "", true)]
    [InlineData("read-only file system", ReadOnly, "", true, 118)]
    [InlineData("read-only file system after use", "touch \"$D/node.lock\" && " + ReadOnly, "", true, 118)]
    [InlineData("mounted secret, mode 0440", Kubernetes, "0440", true, 118)]
    [InlineData("mounted secret, mode 0644", Kubernetes, "0644", true, 118)]
    [InlineData("one file mounted",
        "mount --bind \"$D/identity.secret\" \"$D/identity.secret\" && mount -o remount,ro,bind \"$D/identity.secret\"", "", true)]
    [InlineData("not to be written by this user", "chmod 0500 \"$D\"", AsUser, true, 118)]
    [InlineData("full disk", FullDisk, "", true, 108)]
    public async Task A_folder_with_an_identity_is_enough_to_serve_and_what_is_not_kept_is_said_once(
        string state, string prepare, string variant, bool keeps, int eventId = 0)
    {
        var (folder, identity) = await NewFolderAsync();
        string wrapper = variant == AsUser ? AsUser : "";
        var result = await RunAsync(
            folder, prepare.Replace("MODE", variant, StringComparison.Ordinal).Replace("KEEP", "", StringComparison.Ordinal), wrapper);
        output.WriteLine($"{state}: {result.Output}");
        Assert.True(result.Served, result.Output);
        Assert.Equal(keeps, result.Output.Contains($"served {identity.Address}", StringComparison.Ordinal));
        Assert.DoesNotContain(identity.ToSecretText()[150..], result.Output, StringComparison.Ordinal);
        string[] said = [.. result.Event(108).Concat(result.Event(118))];
        Assert.Equal(eventId == 0 ? 0 : 1, said.Length);
        Assert.All(said, line => Assert.Contains($" {eventId}: ", line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("read-only file system without an identity", "rm \"$D\"/* && " + ReadOnly, "", "Read-only file system")]
    [InlineData("not to be written by this user, without an identity", "rm \"$D\"/* && chmod 0500 \"$D\"", AsUser, "denied")]
    [InlineData("not to be read by this user", "chmod 0000 \"$D\"", AsUser, "denied")]
    [InlineData("identity not to be read by this user", "chmod 0000 \"$D/identity.secret\" && chmod 0500 \"$D\"", AsUser, "denied")]
    [InlineData("full disk without an identity", FullDisk, "", "No space left")]
    [InlineData("a file in its place", "rm -r \"$D\" && touch \"$D\"", "", "which is a file")]
    [InlineData("locked by another node", "exec 9>\"$D/node.lock\" && flock 9", "", "is in use by another node")]
    [InlineData("read-only and locked by another node", ReadOnly + " && exec 9<\"$D/identity.secret\" && flock 9", "",
        "is in use by another node")]
    public async Task Any_other_state_is_an_error_that_says_what_to_do(string state, string prepare, string wrapper, string reason)
    {
        var (folder, _) = await NewFolderAsync();
        string keep = "rm \"$D/identity.secret\";";
        var result = await RunAsync(folder, prepare.Replace("KEEP", keep, StringComparison.Ordinal), wrapper);
        output.WriteLine($"{state}: {result.Output}");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(reason, result.Output, StringComparison.Ordinal);
        Assert.Contains("StoragePath", result.Output, StringComparison.Ordinal);
        Assert.Equal(
            reason.Contains("in use", StringComparison.Ordinal),
            result.Output.Contains("in use by another node", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_identity_from_the_environment_is_used_and_nothing_is_stored_or_shown()
    {
        Assert.SkipWhen(sandbox.SkipReason is not null, sandbox.SkipReason ?? "");
        using var identity = await NodeIdentity.GenerateAsync(cancellationToken: TestContext.Current.CancellationToken);
        string home = sandbox.NewFolder();
        foreach (var (path, secret) in ((string, string)[])
        [
            ("", identity.ToSecretText()), (":memory:", identity.ToSecretText()), (":memory:", ""),
        ])
        {
            var result = await sandbox.RunAsync($"export XDG_DATA_HOME='{home}'", "", ("StoragePath", path), ("IdentitySecret", secret));
            Assert.True(result.Served, result.Output);
            Assert.Equal(secret.Length > 0, result.Output.Contains($"served {identity.Address}", StringComparison.Ordinal));
            Assert.DoesNotContain(identity.ToSecretText()[150..], result.Output, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(home));
        }
    }

    private async Task<(string Folder, NodeIdentity Identity)> NewFolderAsync()
    {
        Assert.SkipWhen(sandbox.SkipReason is not null, sandbox.SkipReason ?? "");
        string folder = Path.Combine(sandbox.NewFolder(), "node");
        Directory.CreateDirectory(folder);
        var identity = await NodeIdentity.GenerateAsync(cancellationToken: TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(folder, IdentityStore.SecretFileName), identity.ToSecretText(), TestContext.Current.CancellationToken);
        return (folder, identity);
    }

    private Task<SandboxedResult> RunAsync(string folder, string prepare, string wrapper) =>
        sandbox.RunAsync($"export D='{folder}'; {{ {prepare}; }}", wrapper, ("StoragePath", folder));
}
