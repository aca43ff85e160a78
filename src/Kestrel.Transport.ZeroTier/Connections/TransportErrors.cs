using Microsoft.AspNetCore.Connections;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Connections;

/// <summary>Maps engine errors to the three kinds of exception that Kestrel distinguishes (rule 6.12).</summary>
internal static class TransportErrors
{
    /// <summary>The exception that the application sees for an engine's error.</summary>
    public static Exception Map(ZeroTierException exception) => exception.Error switch
    {
        ZeroTierError.ConnectionReset => new ConnectionResetException(exception.Message, exception),
        ZeroTierError.ConnectionAborted => new ConnectionAbortedException(exception.Message, exception),
        _ => exception,
    };
}
