using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Transport.Functional.Tests.Support;

/// <summary>Certificates that exist in memory only.</summary>
internal static class Certificates
{
    public static X509Certificate2 Server { get; } = SelfSigned("server");

    public static X509Certificate2 Client { get; } = SelfSigned("client");

    /// <summary>A client that trusts <see cref="Server"/> only.</summary>
    public static SslClientAuthenticationOptions ClientOptions(X509Certificate2? own = null) => new()
    {
        TargetHost = "server",
        RemoteCertificateValidationCallback = (_, presented, _, _) => presented!.GetCertHashString() == Server.GetCertHashString(),
        ClientCertificates = own is null ? null : [own],
    };

    private static X509Certificate2 SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
