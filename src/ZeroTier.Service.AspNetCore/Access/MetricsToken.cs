using Microsoft.Extensions.Logging;

namespace ZeroTier.Service.AspNetCore.Access;

/// <summary>The token for the metrics only, for scrapers. Its file is in the same folder as the token file.</summary>
internal sealed class MetricsToken(ApiToken token, ILoggerFactory loggerFactory) : TokenFile(loggerFactory.CreateLogger(AccessLog.Category))
{
    public override string FilePath => Path.Combine(Path.GetDirectoryName(token.FilePath)!, ZeroTierServiceOptions.MetricsTokenFileName);
}
