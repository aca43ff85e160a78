using System.Net;
using Microsoft.Extensions.Logging;

namespace ZeroTier.Service.AspNetCore.Pages;

/// <summary>Log messages of the pages. Event ids 320 to 329.</summary>
internal static partial class PagesLog
{
    public const string Category = "ZeroTier.Service.AspNetCore.Pages";

    [LoggerMessage(320, LogLevel.Information, "Somebody at {Address} has signed in with the token.", EventName = "SignedIn")]
    public static partial void SignedIn(ILogger logger, IPAddress? address);

    [LoggerMessage(321, LogLevel.Warning, "Somebody at {Address} tried to sign in with a wrong token.", EventName = "SignInFailed")]
    public static partial void SignInFailed(ILogger logger, IPAddress? address);
}
