using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.SelfHosting;

/// <summary>Folders and files that only their owner may read. On Windows the user's profile folder sees to that.</summary>
internal static class PrivateFolder
{
    /// <summary>Makes the folder, or closes an existing one to others.</summary>
    /// <exception cref="ZeroTierException">It cannot be used.</exception>
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

    /// <summary>Takes an exclusive lock that ends with the process at the latest.</summary>
    /// <returns>Null when it is held elsewhere.</returns>
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
