using System.IO.Pipelines;

namespace ZeroTier.Service.AspNetCore.Connections;

/// <summary>A connection whose first request has a Host.</summary>
internal sealed class MissingHostTransport(IDuplexPipe inner) : IDuplexPipe
{
    public PipeReader Input { get; } = PipeReader.Create(new MissingHostStream(inner.Input));

    public PipeWriter Output => inner.Output;
}
