using ZeroTier.Platform;

namespace ZeroTier.Engines;

/// <summary>
/// A storage folder that is one node's until disposal, at most until the process ends. A folder that can only be read, such as a mounted
/// secret, is claimed by its identity file.
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

    /// <summary>Why nothing can be written to the folder; null where it can.</summary>
    public string? ReadOnlyBecause { get; }

    /// <summary>Makes the folder where it is missing, and claims it.</summary>
    /// <param name="path">The folder's full path.</param>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.Storage"/>: it is in use, or can neither be written nor holds an
    /// identity that can be read.</exception>
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

    /// <summary>Reads the identity's text as far as there is room.</summary>
    /// <returns>The number of bytes.</returns>
    /// <exception cref="IOException">It cannot be read, or is a link that somebody else may have made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public int ReadSecret(Span<byte> text)
    {
        if (_lock.Name == _secret)
        {
            // Another opening would find it locked.
            _lock.Position = 0;
            return _lock.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        }

        using var file = PrivateFile.OpenRead(_secret);
        return file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
    }

    /// <summary>
    /// Closes the secret to others, such as one that was copied here. One that is not this user's to change, such as a mounted file, stays
    /// as it is.
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

    /// <summary>What to say of a folder that cannot be used.</summary>
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
