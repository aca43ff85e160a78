using System.Text;
using ZeroTier.Engines;

namespace ZeroTier.Managed.Identity;

/// <summary>
/// A directory that holds one node's identity: <c>identity.secret</c> (mode 0600), <c>identity.public</c> (0644) and <c>node.lock</c>. While the store
/// is open no other node, in this process or another, can open the same directory.
/// </summary>
/// <remarks>
/// An identity file that is damaged, or does not belong with the other, is an error and is never overwritten. A secret file that others may read
/// is accepted, and its mode tightened to 0600. File modes apply to Unix only; on Windows the directory's access list counts.
/// </remarks>
public sealed class IdentityStore : IDisposable
{
    /// <summary>Name of the file with the private key.</summary>
    public const string SecretFileName = "identity.secret";

    /// <summary>Name of the file with the public identity.</summary>
    public const string PublicFileName = "identity.public";

    /// <summary>Name of the file whose lock marks the directory as in use. It stays behind, empty, after use.</summary>
    public const string LockFileName = "node.lock";

    // Far above any identity: what is longer is not read, only refused.
    private const int MaximumFileSize = 4096;

    private readonly FileStream _lock;

    private IdentityStore(string path, NodeIdentity identity, bool isNew, FileStream lockFile)
    {
        Path = path;
        Identity = identity;
        IsNew = isNew;
        _lock = lockFile;
    }

    /// <summary>The directory's full path.</summary>
    public string Path { get; }

    /// <summary>The node's identity, with its private key. Disposed of with the store.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>True when this call made the identity.</summary>
    public bool IsNew { get; }

    /// <summary>Opens the directory, makes it (mode 0700) if need be, and loads its identity or makes a new one.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="random">Where a new identity's keys come from; the system's generator by default.</param>
    /// <param name="cancellationToken">Gives up; a new identity is then not stored.</param>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.Storage"/>: the directory is in use or cannot be used, or its identity files are damaged.</exception>
    public static Task<IdentityStore> OpenAsync(string path, RandomSource? random = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return OpenCoreAsync(System.IO.Path.GetFullPath(path), random, cancellationToken);
    }

    /// <summary>Releases the directory and overwrites the private key in memory.</summary>
    public void Dispose()
    {
        Identity.Dispose();
        _lock.Dispose();
    }

    private static async Task<IdentityStore> OpenCoreAsync(string path, RandomSource? random, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        FileStream lockFile = Lock(path);
        NodeIdentity? identity = null;
        try
        {
            identity = await LoadAsync(path, cancellationToken).ConfigureAwait(false);
            bool isNew = identity is null;
            if (identity is null)
            {
                identity = await NodeIdentity.GenerateAsync(random, cancellationToken).ConfigureAwait(false);

                // The secret first: were the machine to stop in between, the public file can be made again from it.
                Save(path, SecretFileName, identity.ToSecretText(), secret: true);
            }

            if (!File.Exists(System.IO.Path.Combine(path, PublicFileName)))
            {
                Save(path, PublicFileName, identity.ToString(), secret: false);
            }

            return new IdentityStore(path, identity, isNew, lockFile);
        }
        catch (Exception e)
        {
            identity?.Dispose();
            lockFile.Dispose();
            if (e is UnauthorizedAccessException or (IOException and not ZeroTierException))
            {
                throw Unusable(path, e);
            }

            throw;
        }
    }

    private static FileStream Lock(string path)
    {
        try
        {
            OwnerFolder.Create(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, e);
        }

        string file = System.IO.Path.Combine(path, LockFileName);
        try
        {
            return OwnerFile.Lock(file);
        }
        catch (UnauthorizedAccessException e)
        {
            throw Unusable(path, e);
        }
        catch (IOException e)
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"The identity directory '{path}' is in use by another node (its lock file '{file}' is held), or the lock file cannot be opened: {e.Message} " +
                "Two nodes with one identity would disturb each other. Stop the other node, or give this one a directory of its own.",
                e);
        }
    }

    private static async Task<NodeIdentity?> LoadAsync(string path, CancellationToken cancellationToken)
    {
        string secretFile = System.IO.Path.Combine(path, SecretFileName);
        string publicFile = System.IO.Path.Combine(path, PublicFileName);
        if (!File.Exists(secretFile))
        {
            return !File.Exists(publicFile) ? null : throw Damaged(
                publicFile, $"there is no '{SecretFileName}' beside it, so its private key is lost", "Restore the secret file, or remove the public one to get a new identity.");
        }

        OwnerFile.Tighten(secretFile);

        const string Restore = "Restore it from a backup, or move it away to get a new identity and with it a new node address.";
        string text = await ReadAsync(secretFile, cancellationToken).ConfigureAwait(false);
        if (!NodeIdentity.TryParse(text, out NodeIdentity? identity))
        {
            throw Damaged(secretFile, "it holds no identity, or a private key that does not match its public key", Restore);
        }

        try
        {
            if (!identity.HasSecret)
            {
                throw Damaged(secretFile, "it holds a public identity without its private key", Restore);
            }

            // Reading costs one memory-hard hash; a node whose address does not belong to its key would be ignored by all others.
            if (!await Task.Run(identity.IsLocallyValid, cancellationToken).ConfigureAwait(false))
            {
                throw Damaged(secretFile, "its address does not belong to its public key", Restore);
            }

            if (File.Exists(publicFile))
            {
                string publicText = await ReadAsync(publicFile, cancellationToken).ConfigureAwait(false);
                if (!NodeIdentity.TryParse(publicText, out NodeIdentity? other) || !other.Equals(identity))
                {
                    throw Damaged(publicFile, $"it is not the public part of '{SecretFileName}' beside it", "Remove whichever of the two does not belong here; the public one can be made again.");
                }
            }

            return identity;
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(MaximumFileSize, pinned: true);
        await using var stream = OwnerFile.OpenRead(file, asynchronous: true);
        int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        string text = length < bytes.Length ? Encoding.ASCII.GetString(bytes, 0, length) : "";
        Array.Clear(bytes);
        return text;
    }

    private static void Save(string path, string name, string text, bool secret)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        try
        {
            OwnerFile.Write(System.IO.Path.Combine(path, name), bytes, secret, overwrite: false);
        }
        finally
        {
            Array.Clear(bytes);
        }
    }

    private static ZeroTierException Damaged(string file, string what, string remedy) =>
        new(ZeroTierError.Storage, $"The identity file '{file}' cannot be used: {what}. Nothing was changed. {remedy}");

    private static ZeroTierException Unusable(string path, Exception cause) => new(
        ZeroTierError.Storage,
        $"The identity directory '{path}' cannot be used: {cause.Message} The process needs to create, read and write files there. Check its owner and mode, or configure another directory.",
        cause);
}
