using Microsoft.Extensions.Logging;

namespace ZeroTier.Controller.Names;

/// <summary>Log messages about names. Event ids 330 to 339.</summary>
internal static partial class NameServiceLog
{
    public const string Category = "ZeroTier.Controller.Names";

    [LoggerMessage(330, LogLevel.Information, "Members of network {Network} get names in {Domain}, from {Server}.",
        EventName = "NamesServed")]
    public static partial void Served(ILogger logger, NetworkId network, string domain, System.Net.IPAddress server);

    [LoggerMessage(331, LogLevel.Warning, "Members of network {Network} get no names: {Reason}", EventName = "NamesNotServed")]
    public static partial void NotServed(ILogger logger, NetworkId network, string reason);

    [LoggerMessage(332, LogLevel.Warning,
        "Members {Holder} and {Other} of network {Network} have one name: '{Label}' is {Holder}, whose record is older; {Other} is " +
            "found by its address alone, {Other}.{Domain}. Give it another name.", EventName = "NameTwice")]
    public static partial void NameTwice(ILogger logger, NodeId holder, NodeId other, NetworkId network, string label, string domain);

    [LoggerMessage(333, LogLevel.Error, "Names could not be looked after; trying again.", EventName = "NameServiceFailed")]
    public static partial void Failed(ILogger logger, Exception cause);
}
