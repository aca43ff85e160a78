using ZeroTier.Platform;

namespace ZeroTier.Engines;

/// <summary>
/// Exclusive use of a storage folder by one node, until disposal or the end of the process. The claim is a file lock: on the lock file, or,
/// in a read-only folder such as a mounted secret, on the identity file.
/// </summary>
internal sealed class StorageClaim : IDisposable
{
    /// <summary>The file with the private key.</summary>
    public const string SecretFileName = "identity.secret";

    /// <summary>The file whose lock is the claim.</summary>
    public const string LockFileName = "node.lock";

    private readonly FileStream _lock;
    private readonly string _secret;

    private StorageClaim(FileStream lockFile, string secret, string? readOnlyBecause)
    {
        _lock = lockFile;
        _secret = secret;
        ReadOnlyBecause = readOnlyBecause;
    }

    /// <summary>Why the folder is not writable; null when it is.</summary>
    public string? ReadOnlyBecause { get; }

    /// <summary>Creates the folder if it is missing, and claims it.</summary>
    /// <param name="path">The folder's full path.</param>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.Storage"/>: it is in use, or it is not writable and holds no readable
    /// identity.</exception>
    public static StorageClaim Take(string path)
    {
        string secret = Path.Combine(path, SecretFileName);
        string lockFile = Path.Combine(path, LockFileName);
        try
        {
            OwnerFolder.Create(path);
            return new StorageClaim(PrivateFile.Lock(lockFile), secret, null);
        }
        catch (IOException e) when (PrivateFile.IsHeld(e))
        {
            throw InUse(path, lockFile, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (OwnerFolder.IsLink(lockFile) || !File.Exists(secret))
            {
                throw Unusable(path, e);
            }

            return TakeReadOnly(path, secret, File.Exists(lockFile) ? lockFile : secret, e.Message);
        }
    }

    /// <summary>Reads the text of the identity file, as far as it fits.</summary>
    /// <returns>The number of bytes.</returns>
    /// <exception cref="IOException">It cannot be read, or is a symbolic link that another user may have created.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public int ReadSecret(Span<byte> text)
    {
        if (_lock.Name == _secret)
        {
            // The secret itself is the locked file, so opening it again would fail.
            _lock.Position = 0;
            return _lock.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        }

        using var file = PrivateFile.OpenRead(_secret);
        return file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
    }

    /// <summary>
    /// Restricts the identity file to its owner, for example after it was copied here. Ignored where this user may not change the mode, as
    /// with a mounted file.
    /// </summary>
    public void TightenSecret()
    {
        try
        {
            PrivateFile.Tighten(_secret);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>The error for a folder that cannot be used.</summary>
    public static ZeroTierException Unusable(string path, Exception cause) => new(
        ZeroTierError.Storage,
        $"The storage folder '{path}' cannot be used: {cause.Message} The process needs to create, read and write files there; only a "
            + $"folder that holds an identity ('{SecretFileName}') already may be read-only. Check its owner and mode, and what a sandbox "
            + "around the process forbids, or configure another folder.",
        cause);

    private static StorageClaim TakeReadOnly(string path, string secret, string file, string because)
    {
        try
        {
            return new StorageClaim(PrivateFile.LockExisting(file), secret, because);
        }
        catch (IOException e) when (PrivateFile.IsHeld(e))
        {
            throw InUse(path, file, e);
        }
        catch (UnauthorizedAccessException) when (file != secret)
        {
            // A lock file of another user, left from an earlier run.
            return TakeReadOnly(path, secret, secret, because);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, e);
        }
    }

    private static ZeroTierException InUse(string path, string lockFile, Exception cause) => new(
        ZeroTierError.Storage,
        $"The storage folder '{path}' is in use by another node (its lock file '{lockFile}' is held). "
            + "Two nodes with one identity would disturb each other. Stop the other node, or give this one a folder of its own.",
        cause);
}
