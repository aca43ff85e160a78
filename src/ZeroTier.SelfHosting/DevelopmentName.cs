namespace ZeroTier.SelfHosting;

/// <summary>A name on the development network that is held as long as this object, at most as long as the process.</summary>
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

    /// <summary>Gives the name up.</summary>
    public void Dispose()
    {
        // Another process may have the name by now.
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
            // It leads to a node that does not run, until the next holder of the name writes it.
        }

        _claim.Dispose();
    }
}
