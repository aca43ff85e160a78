using Microsoft.AspNetCore.Connections;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>The three kinds of error that Kestrel tells apart (rule 6.12).</summary>
internal static class TransportErrors
{
    /// <summary>What an application sees for an engine's error.</summary>
    public static Exception Map(ZeroTierException exception) => exception.Error switch
    {
        ZeroTierError.ConnectionReset => new ConnectionResetException(exception.Message, exception),
        ZeroTierError.ConnectionAborted => new ConnectionAbortedException(exception.Message, exception),
        _ => exception,
    };
}
