using Microsoft.Extensions.Logging;

namespace Kestrel.Transport.ZeroTier.Authentication;

/// <summary>All log messages of authentication; event ids from 200.</summary>
internal static partial class AuthenticationLog
{
    [LoggerMessage(200, LogLevel.Warning, "{Error} The entry is ignored.", EventName = "MemberIgnored")]
    public static partial void MemberIgnored(ILogger logger, string error);
}
