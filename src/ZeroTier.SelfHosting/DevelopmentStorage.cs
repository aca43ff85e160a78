namespace ZeroTier.SelfHosting;

/// <summary>A storage folder that is ours as long as this object, at most as long as the process.</summary>
public sealed class DevelopmentStorage : IDisposable
{
    private readonly FileStream _claim;

    internal DevelopmentStorage(string path, FileStream claim)
    {
        Path = path;
        _claim = claim;
    }

    /// <summary>The folder, for <see cref="Managed.ManagedNodeOptions.StoragePath"/>. The node makes it.</summary>
    public string Path { get; }

    /// <summary>Lets others have the folder.</summary>
    public void Dispose() => _claim.Dispose();
}
