using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZeroTier.Certificates;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Tests.Https;

/// <summary>A certificate like that of a node, with whatever is to be wrong in it.</summary>
internal sealed class Forgery : IDisposable
{
    public const string ProofOid = ProofExtension.Oid;

    public Forgery(ManagedNode owner)
    {
        Owner = owner;
        Now = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        (NotBefore, NotAfter) = (Now.AddHours(-1), Now.AddDays(30));
        Names = [ZeroTierName.Of(owner.Id, Testing.TestNetwork.Network)];
    }

    public ManagedNode Owner { get; }

    public DateTimeOffset Now { get; }

    public ECDsa Key { get; init; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public DateTimeOffset NotBefore { get; set; }

    public DateTimeOffset NotAfter { get; set; }

    public string[] Names { get; set; }

    /// <summary>The proofs; null for the one that belongs there.</summary>
    public X509Extension[]? Proofs { get; set; }

    /// <summary>The proof that the owner gives.</summary>
    public X509Extension Proof =>
        ProofExtension.Write(Owner.ProveTlsKey(new TlsKeyStatement(Key.ExportSubjectPublicKeyInfo(), NotBefore, NotAfter))!.Value);

    public X509Certificate2 Make()
    {
        var request = new CertificateRequest($"CN={Owner.Id}.zt", Key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (string name in Names)
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        foreach (var proof in Proofs ?? [Proof])
        {
            request.CertificateExtensions.Add(proof);
        }

        return request.CreateSelfSigned(NotBefore, NotAfter);
    }

    public void Dispose() => Key.Dispose();
}
