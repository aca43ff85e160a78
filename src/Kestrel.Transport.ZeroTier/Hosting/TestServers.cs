using Microsoft.AspNetCore.Hosting.Server;

namespace Kestrel.Transport.ZeroTier.Hosting;

/// <summary>The server of tests without endpoints, by name: its package is not for applications. It has the feature for addresses all the same.</summary>
internal static class TestServers
{
    public static bool Include(IServer? server) => server?.GetType().FullName == "Microsoft.AspNetCore.TestHost.TestServer";
}
