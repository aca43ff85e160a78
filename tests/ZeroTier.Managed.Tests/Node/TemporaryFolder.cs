namespace ZeroTier.Managed.Tests.Node;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("zt-node-").FullName;

    /// <summary>A storage folder with an identity from the vectors: making a new one costs seconds.</summary>
    public static TemporaryFolder WithIdentity(int index)
    {
        var folder = new TemporaryFolder();
        using var identity = TestIdentities.Get(index);
        File.WriteAllText(System.IO.Path.Combine(folder.Path, "identity.secret"), identity.ToSecretText());
        return folder;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
