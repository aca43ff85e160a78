using System.IO.Pipelines;

namespace ZeroTier.Service.AspNetCore.Connections;

/// <summary>A transport whose first request is given a Host header if it has none.</summary>
internal sealed class MissingHostTransport(IDuplexPipe inner) : IDuplexPipe
{
    public PipeReader Input { get; } = PipeReader.Create(new MissingHostStream(inner.Input));

    public PipeWriter Output => inner.Output;
}
