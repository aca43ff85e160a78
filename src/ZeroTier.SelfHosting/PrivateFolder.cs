using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.SelfHosting;

/// <summary>
/// Folders and files that only their owner can read. On Windows this depends on the permissions inherited from the user's profile folder.
/// </summary>
internal static class PrivateFolder
{
    /// <summary>Creates the folder, or removes the access of other users from an existing one.</summary>
    /// <exception cref="ZeroTierException">The folder cannot be used.</exception>
    public static void Create(string path)
    {
        try
        {
            // Fails unless this user owns the folder, so that another user cannot plant a planet there.
            OwnerFolder.CreateClosed(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"The folder '{path}' cannot be used: {e.Message} It must belong to this user. Check its owner, or configure "
                + "another folder.",
                e);
        }
    }

    /// <summary>Takes an exclusive lock, which the operating system releases at the latest when the process ends.</summary>
    /// <returns>Null when the lock is held by another process or object.</returns>
    /// <exception cref="UnauthorizedAccessException">The file cannot be opened.</exception>
    public static FileStream? TryLock(string file)
    {
        try
        {
            return PrivateFile.Lock(file);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException or PathTooLongException))
        {
            return null;
        }
    }
}
