namespace ZeroTier.SelfHosting.Tests;

/// <summary>A folder that goes with the test.</summary>
internal sealed class TestFolder : IDisposable
{
    public TestFolder() => Path = Directory.CreateTempSubdirectory("ztkestrel-test-").FullName;

    public string Path { get; }

    public string this[params string[] names] => System.IO.Path.Combine([Path, .. names]);

    /// <summary>A development network folder whose root has an identity already.</summary>
    public TestFolder WithRootIdentity()
    {
        Directory.CreateDirectory(this["dev", "root"]);
        File.WriteAllText(this["dev", "root", "identity.secret"], TestIdentities.Text(0));
        return this;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
