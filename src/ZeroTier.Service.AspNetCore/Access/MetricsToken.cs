using Microsoft.Extensions.Logging;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>The token for the metrics alone, which a scraper may have: its file is beside that of the token for everything.</summary>
internal sealed class MetricsToken(ApiToken token, ILoggerFactory loggerFactory) : TokenFile(loggerFactory.CreateLogger(AccessLog.Category))
{
    public override string FilePath => Path.Combine(Path.GetDirectoryName(token.FilePath)!, ZeroTierServiceOptions.MetricsTokenFileName);
}
