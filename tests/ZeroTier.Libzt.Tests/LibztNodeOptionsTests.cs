using System.Net;

namespace ZeroTier.Libzt.Tests;

public sealed class LibztNodeOptionsTests
{
    public static TheoryData<LibztNodeOptions, string> Wrong => new()
    {
        { new() { Port = -1 }, "Port is -1" },
        { new() { Port = 65536 }, "Port is 65536" },
        { new() { FirstRandomPort = 5, LastRandomPort = 4 }, "FirstRandomPort is 5" },
        { new() { LastRandomPort = 4 }, "FirstRandomPort is 0" },
        { new() { Planet = new byte[4097] }, "4097 bytes" },
        { new() { StoragePath = " " }, "StoragePath is empty" },
        { new() { StoragePath = "/a", Identity = "x" }, "StoragePath and Identity" },
        { new() { TcpRelay = new IPEndPoint(IPAddress.IPv6Loopback, 443) }, "TcpRelay" },
        { new() { ForceTcpRelay = true, AllowTcpRelay = false }, "ForceTcpRelay" },
        { new() { ExcludedInterfaces = ["an interface that is too long"] }, "ExcludedInterfaces" },
        { new() { ExcludedInterfaces = [""] }, "ExcludedInterfaces" },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void The_constructor_names_what_is_wrong(LibztNodeOptions options, string expected) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => new LibztNode(options)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_text_of_options_has_no_secret() =>
        Assert.DoesNotContain("geheim", new LibztNodeOptions { Identity = "geheim" }.ToString(), StringComparison.Ordinal);

    [Fact]
    public async Task A_node_without_the_library_fails_to_start_and_may_be_started_again()
    {
        await using var node = new LibztNode(new LibztNodeOptions { LibraryPath = "/nowhere/libzt.so" });
        for (int i = 0; i < 2; i++)
        {
            var error = await Assert.ThrowsAsync<ZeroTierException>(() => node.StartAsync(TestContext.Current.CancellationToken));

            Assert.Equal(ZeroTierError.NotSupported, error.Error);
            Assert.Equal(ZeroTierNodeState.Stopped, node.State);
        }
    }
}
