namespace ZeroTier.Service.AspNetCore.Metrics;

/// <summary>A part of the host that has metrics of its own to add to those of the node, such as its controller.</summary>
internal interface IMetricsSource
{
    /// <summary>Adds them.</summary>
    ValueTask WriteAsync(MetricsText text, CancellationToken cancellationToken);
}
