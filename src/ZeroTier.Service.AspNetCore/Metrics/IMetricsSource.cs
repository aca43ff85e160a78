namespace ZeroTier.Service.AspNetCore.Metrics;

/// <summary>A part of the host, such as its controller, that adds metrics to those of the node.</summary>
internal interface IMetricsSource
{
    /// <summary>Writes the metrics.</summary>
    ValueTask WriteAsync(MetricsText text, CancellationToken cancellationToken);
}
