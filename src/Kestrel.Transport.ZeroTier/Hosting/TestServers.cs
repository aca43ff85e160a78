using Microsoft.AspNetCore.Hosting.Server;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>
/// Recognises TestServer, which has no endpoints, by its type name, because applications do not reference its package. Its addresses feature cannot tell: it
/// has one.
/// </summary>
internal static class TestServers
{
    public static bool Include(IServer? server) => server?.GetType().FullName == "Microsoft.AspNetCore.TestHost.TestServer";
}
