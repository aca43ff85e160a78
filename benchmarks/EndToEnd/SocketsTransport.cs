using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace EndToEnd;

/// <summary>Kestrel's own transport on loopback TCP, with or without TLS.</summary>
internal sealed class SocketsTransport(bool tls) : Transport
{
    public override string Name => tls ? SocketsTls : Sockets;

    public override void Configure(WebApplicationBuilder builder, string[] arguments) =>
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, endPoint =>
            {
                if (tls)
                {
                    endPoint.UseHttps(CreateCertificate());
                }
            }));

    public override Task<string> WaitUntilReachableAsync(WebApplication app, Action<string> time)
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        return Task.FromResult(addresses.First());
    }

    public override HttpClient CreateClient(Uri address, int connections)
    {
        var handler = new SocketsHttpHandler();

        // The server's certificate is self-signed.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        return CreateClient(address, connections, handler, handler);
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
