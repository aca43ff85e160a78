namespace ZeroTier.Hosting.Node;

/// <summary>Tells what a server serves on ZeroTier, and what is in its way; for whoever shows it.</summary>
internal interface IEndpointReport
{
    /// <summary>What is so now.</summary>
    EndpointReport Read();
}

/// <summary>What is so at one moment.</summary>
/// <param name="Problems">Why callers are not served, each with what to do.</param>
/// <param name="Warnings">What is not as it should be, while callers are served.</param>
/// <param name="EndPoints">The endpoints and their states.</param>
internal sealed record EndpointReport(
    IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings, IReadOnlyList<(string Name, string State)> EndPoints);
