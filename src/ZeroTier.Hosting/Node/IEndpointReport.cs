namespace ZeroTier.Hosting.Node;

/// <summary>
/// Reports the endpoints that a server has on ZeroTier and what prevents them from serving, for status pages and commands.
/// </summary>
internal interface IEndpointReport
{
    /// <summary>The current report.</summary>
    EndpointReport Read();
}

/// <summary>A report, as a snapshot.</summary>
/// <param name="Problems">Why callers are not served, each with the remedy.</param>
/// <param name="Warnings">Problems that do not prevent callers from being served.</param>
/// <param name="EndPoints">The endpoints and their states.</param>
internal sealed record EndpointReport(
    IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings, IReadOnlyList<(string Name, string State)> EndPoints);
