using System.Security.Cryptography.X509Certificates;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Tests.Https;

/// <summary>How long a node shows a certificate.</summary>
public sealed class CertificateRenewalTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Certificate_is_the_same_for_two_thirds_of_its_life_and_then_another()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        var clock = new ShiftedTime();
        await using var node = await StartAsync(network, clock);
        var certificate = new ZeroTierCertificate(node);
        var first = certificate.Get();

        clock.Shift = TimeSpan.FromDays(19.9);
        Assert.Same(first, certificate.Get());
        clock.Shift = TimeSpan.FromDays(20.1);
        var second = certificate.Get();

        Assert.NotEqual(first.Thumbprint, second.Thumbprint);
        Assert.NotEqual(first.PublicKey.ExportSubjectPublicKeyInfo(), second.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.Equal(20.1, (second.NotAfter - first.NotAfter).TotalDays, 0.1);

        // A clock that was set back must not keep it for longer than its life.
        clock.Shift = TimeSpan.FromDays(1);
        Assert.NotSame(second, certificate.Get());
    }

    [Fact]
    public async Task Certificate_names_the_node_its_networks_and_addresses_and_follows_them()
    {
        await using var network = await Testing.TestNetwork.StartAsync(Cancel);
        await using var node = await StartAsync(network, new ShiftedTime());
        var certificate = new ZeroTierCertificate(node);
        var first = certificate.Get();
        Assert.Equal($"CN={node.Id}.zt", first.Subject);
        Assert.Equal([$"{node.Id}.zt", ZeroTierName.Of(node.Id, Testing.TestNetwork.Network)], Names(first).EnumerateDnsNames());
        Assert.Equal([Testing.TestNetwork.Network.GetSixPlaneAddress(node.Id)], Names(first).EnumerateIPAddresses());

        var other = NetworkId.AdHoc(1, 9);
        await node.JoinAsync(other, Cancel);
        await node.WaitForNetworkAsync(other, Cancel);

        Assert.Contains(ZeroTierName.Of(node.Id, other), Names(certificate.Get()).EnumerateDnsNames());
        Assert.Contains(other.GetSixPlaneAddress(node.Id), Names(certificate.Get()).EnumerateIPAddresses());
    }

    [Fact]
    public void Node_that_never_ran_has_none()
    {
        var node = new ManagedNode(new ManagedNodeOptions());
        Assert.Equal(ZeroTierError.NotRunning, Assert.Throws<ZeroTierException>(() => new ZeroTierCertificate(node).Get()).Error);
    }

    private static X509SubjectAlternativeNameExtension Names(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();

    private static async Task<ManagedNode> StartAsync(Testing.TestNetwork network, TimeProvider clock)
    {
        var node = new ManagedNode(
            await network.ConfigureAsync(
                new ManagedNodeOptions { Networks = [Testing.TestNetwork.Network], TimeProvider = clock }, Cancel));
        await node.StartAsync(Cancel);
        await node.WaitForNetworkAsync(Testing.TestNetwork.Network, Cancel);
        return node;
    }

    /// <summary>The system's time, on another date.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        public TimeSpan Shift { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;
    }
}
