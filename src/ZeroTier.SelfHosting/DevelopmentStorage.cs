namespace ZeroTier.SelfHosting;

/// <summary>A claimed storage folder. It is held until this object is disposed, or until the process ends.</summary>
public sealed class DevelopmentStorage : IDisposable
{
    private readonly FileStream _claim;

    internal DevelopmentStorage(string path, FileStream claim)
    {
        Path = path;
        _claim = claim;
    }

    /// <summary>The folder, for <see cref="Managed.ManagedNodeOptions.StoragePath"/>. The node creates it.</summary>
    public string Path { get; }

    /// <summary>Releases the folder for other processes.</summary>
    public void Dispose() => _claim.Dispose();
}
