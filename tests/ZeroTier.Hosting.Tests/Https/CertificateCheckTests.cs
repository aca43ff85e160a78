using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Tests.Https;

/// <summary>Which certificates a client takes for those of the node that it has called.</summary>
public sealed class CertificateCheckTests : IAsyncLifetime
{
    private Testing.TestNetwork _network = null!;
    private ManagedNode _client = null!;
    private ManagedNode _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string ServerName => ZeroTierName.Of(_server.Id, Testing.TestNetwork.Network);

    public async ValueTask InitializeAsync()
    {
        _network = await Testing.TestNetwork.StartAsync(Cancel);
        _client = await _network.StartNodeAsync(Cancel);
        _server = await _network.StartNodeAsync(Cancel);
    }

    public async ValueTask DisposeAsync() => await _network.DisposeAsync();

    [Fact]
    public async Task Certificate_of_the_node_is_accepted_by_every_name_that_says_which_node_is_meant()
    {
        var certificate = new ZeroTierCertificate(_server).Get();
        string[] hosts =
        [
            ServerName,
            ServerName.ToUpperInvariant() + ".",
            $"{_server.Id}.zt",
            $"{Testing.TestNetwork.Network.GetSixPlaneAddress(_server.Id)}",
        ];
        foreach (string host in hosts)
        {
            Assert.Null(await Handshake.RunAsync(_client, _server, certificate, host));
        }
    }

    [Fact]
    public async Task Host_that_names_no_node_is_refused_with_what_to_call_instead()
    {
        var certificate = new ZeroTierCertificate(_server).Get();
        foreach (string host in new[] { "nas.corp.example", "10.147.17.5", "localhost" })
        {
            Assert.Contains(
                $"'{host}' does not say which one is meant. Call it by NODE.NETWORK.zt",
                await Handshake.RunAsync(_client, _server, certificate, host),
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Member_in_the_middle_with_a_certificate_of_its_own_is_refused()
    {
        var attacker = await _network.StartNodeAsync(Cancel);
        var own = new ZeroTierCertificate(attacker).Get();
        Assert.Null(await Handshake.RunAsync(_client, attacker, own, $"{attacker.Id}.zt"));

        Assert.Contains(
            $"is not that of node {_server.Id}", await Handshake.RunAsync(_client, attacker, own, ServerName), StringComparison.Ordinal);

        // The same with the names of the other, which its owner may write as it likes.
        using var named = new Forgery(attacker) { Names = [ServerName] };
        Assert.Contains(
            $"is not that of node {_server.Id}",
            await Handshake.RunAsync(_client, attacker, named.Make(), ServerName),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proof_that_was_copied_to_another_key_is_refused()
    {
        var attacker = await _network.StartNodeAsync(Cancel);
        var copied = new ZeroTierCertificate(_server).Get();
        using var forged = new Forgery(attacker)
        {
            NotBefore = copied.NotBefore,
            NotAfter = copied.NotAfter,
            Names = [ServerName],
            Proofs = [copied.Extensions.Single(extension => extension.Oid!.Value == Forgery.ProofOid)],
        };

        Assert.Contains(
            $"is not that of node {_server.Id}",
            await Handshake.RunAsync(_client, attacker, forged.Make(), ServerName),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proof_that_was_copied_to_other_times_is_refused()
    {
        using var forged = new Forgery(_server);
        forged.Proofs = [forged.Proof];
        Assert.Null(await Handshake.RunAsync(_client, _server, forged.Make(), ServerName));

        forged.NotAfter = forged.NotAfter.AddSeconds(1);
        Assert.Contains(
            $"is not that of node {_server.Id}",
            await Handshake.RunAsync(_client, _server, forged.Make(), ServerName),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-40, -2, "ended at")]
    [InlineData(1, 20, "begins at")]
    [InlineData(-1, 100, "is good for more than 90 days")]
    public async Task Certificate_at_the_wrong_time_is_refused(int begin, int end, string reason)
    {
        using var forged = new Forgery(_server);
        (forged.NotBefore, forged.NotAfter) = (forged.Now.AddDays(begin), forged.Now.AddDays(end));

        Assert.Contains(reason, await Handshake.RunAsync(_client, _server, forged.Make(), ServerName), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clocks_may_differ_by_an_hour()
    {
        using var early = new Forgery(_server);
        early.NotBefore = early.Now.AddMinutes(50);
        using var late = new Forgery(_server);
        late.NotAfter = late.Now.AddMinutes(-50);

        Assert.Null(await Handshake.RunAsync(_client, _server, early.Make(), ServerName));
        Assert.Null(await Handshake.RunAsync(_client, _server, late.Make(), ServerName));
    }

    [Fact]
    public async Task Certificate_that_does_not_name_the_network_is_refused()
    {
        var elsewhere = NetworkId.AdHoc(1, 9);
        using var forged = new Forgery(_server) { Names = [ZeroTierName.Of(_server.Id, elsewhere), $"{_server.Id}.zt"] };

        Assert.Contains(
            $"does not name network {Testing.TestNetwork.Network}",
            await Handshake.RunAsync(_client, _server, forged.Make(), ServerName),
            StringComparison.Ordinal);
        Assert.Null(await Handshake.RunAsync(_client, _server, forged.Make(), ZeroTierName.Of(_server.Id, elsewhere)));
    }

    [Fact]
    public async Task Name_that_was_changed_afterwards_is_refused()
    {
        using var honest = new Forgery(_server);
        using var certificate = honest.Make();
        byte[] bytes = certificate.RawData;
        int name = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(ServerName));
        Assert.True(name > 0);
        bytes[name + ServerName.Length - 1] ^= 1;
        using var changed = X509CertificateLoader.LoadCertificate(bytes).CopyWithPrivateKey(honest.Key);

        Assert.Contains(
            "is not signed with its own key", await Handshake.RunAsync(_client, _server, changed, ServerName), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proof_that_is_critical_or_damaged_is_refused()
    {
        using var forged = new Forgery(_server);
        byte[] good = forged.Proof.RawData;
        (X509Extension Proof, string Reason)[] cases =
        [
            (new X509Extension(Forgery.ProofOid, good, critical: true), "critical"),
            (new X509Extension(Forgery.ProofOid, [], critical: false), "is damaged"),
            (new X509Extension(Forgery.ProofOid, good[..^1], critical: false), "is damaged"),
            (new X509Extension(Forgery.ProofOid, [.. good, 0], critical: false), "is damaged"),
            (new X509Extension(Forgery.ProofOid, Flipped(good, good.Length - 1), critical: false), "is not that of node"),
            (new X509Extension(Forgery.ProofOid, Flipped(good, 10), critical: false), "is not that of node"),
        ];
        foreach (var (proof, reason) in cases)
        {
            forged.Proofs = [proof];
            Assert.Contains(reason, await Handshake.RunAsync(_client, _server, forged.Make(), ServerName), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Key_of_another_kind_is_refused()
    {
        using var forged = new Forgery(_server) { Key = ECDsa.Create(ECCurve.NamedCurves.nistP384) };
        Assert.Contains(
            "is not signed with its own key",
            await Handshake.RunAsync(_client, _server, forged.Make(), ServerName),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificate_without_a_proof_is_left_to_the_system()
    {
        using var unproven = new Forgery(_server) { Proofs = [] };
        Assert.Contains(
            "is not trusted (RemoteCertificate",
            await Handshake.RunAsync(_client, _server, unproven.Make(), ServerName),
            StringComparison.Ordinal);
    }

    private static byte[] Flipped(byte[] bytes, int at)
    {
        byte[] copy = [.. bytes];
        copy[at] ^= 1;
        return copy;
    }
}
