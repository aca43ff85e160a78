namespace ZeroTier.SelfHosting;

/// <summary>A name on the development network. It is held until this object is disposed, or until the process ends.</summary>
public sealed class DevelopmentName : IDisposable
{
    private readonly FileStream _claim;
    private readonly string _file;
    private bool _disposed;

    internal DevelopmentName(string name, string file, FileStream claim)
    {
        Name = name;
        _file = file;
        _claim = claim;
    }

    /// <summary>The name, without <c>.zt</c>.</summary>
    public string Name { get; }

    /// <summary>Releases the name.</summary>
    public void Dispose()
    {
        // A second call must not delete the file: another process may hold the name by then.
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        try
        {
            File.Delete(_file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file remains and names a node that no longer runs, until the next holder of the name overwrites it.
        }

        _claim.Dispose();
    }
}
