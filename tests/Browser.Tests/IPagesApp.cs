namespace Browser.Tests;

/// <summary>An app with a set of pages, as a browser finds it.</summary>
public interface IPagesApp
{
    Uri Address { get; }

    /// <summary>The folder of the pages, with a slash at each end.</summary>
    string Folder { get; }

    /// <summary>What signs in.</summary>
    string Token { get; }
}
