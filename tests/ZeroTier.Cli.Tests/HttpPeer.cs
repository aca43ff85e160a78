using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZeroTier.Managed;
using ZeroTier.SelfHosting;

namespace ZeroTier.Cli.Tests;

/// <summary>A member of a development network that answers every HTTP request with its path.</summary>
public sealed class HttpPeer : IAsyncLifetime
{
    private DevelopmentNetwork _network = null!;
    private ManagedNode _node = null!;
    private IZeroTierListener _listener = null!;
    private IZeroTierListener _secureListener = null!;
    private X509Certificate2 _certificate = null!;

    /// <summary>The data folder of the tool, with the network in it.</summary>
    public DirectoryInfo Data { get; } = Directory.CreateTempSubdirectory("zt-cli-");

    public IPAddress Address => DevelopmentNetwork.Network.GetSixPlaneAddress(_node.Id);

    public string Name => ZeroTierName.Of(_node.Id, DevelopmentNetwork.Network);

    public int Port => _listener.EndPoint.Port;

    /// <summary>Over TLS, with a certificate that nobody trusts.</summary>
    public string SecureUrl(string path) => $"https://[{Address}]:{_secureListener.EndPoint.Port}{path}";

    public string Url(string path) => $"http://[{Address}]:{Port}{path}";

    public async ValueTask InitializeAsync()
    {
        _network = await DevelopmentNetwork.OpenAsync(
            new DevelopmentNetworkOptions { Path = Path.Combine(Data.FullName, "ztkestrel", "dev") });
        _node = new ManagedNode(_network.Configure(new ManagedNodeOptions()));
        await _node.StartAsync();
        await _node.WaitForNetworkAsync(DevelopmentNetwork.Network).WaitAsync(TimeSpan.FromSeconds(60));
        _listener = await _node.ListenAsync(new ZeroTierEndPoint(DevelopmentNetwork.Network, 0));
        _secureListener = await _node.ListenAsync(new ZeroTierEndPoint(DevelopmentNetwork.Network, 0));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var self = new CertificateRequest("CN=peer", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        _certificate = X509CertificateLoader.LoadPkcs12(self.Export(X509ContentType.Pfx), null);
        _ = ServeAsync();
        _ = ServeSecurelyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _network.DisposeAsync();
        _certificate.Dispose();
        Data.Delete(recursive: true);
    }

    private async Task ServeAsync()
    {
        while (await _listener.AcceptAsync() is { } connection)
        {
            _ = AnswerAsync(connection);
        }
    }

    private async Task ServeSecurelyAsync()
    {
        while (await _secureListener.AcceptAsync() is { } connection)
        {
            await using var stream = new SslStream(new ZeroTierConnectionStream(connection));
            try
            {
                await stream.AuthenticateAsServerAsync(_certificate);
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nsecure"u8.ToArray());
            }
            catch (Exception exception) when (exception is IOException or AuthenticationException)
            {
                // The client does not trust the certificate.
            }
        }
    }

    private static async Task AnswerAsync(ZeroTierConnection connection)
    {
        await using (connection)
        {
            using var reader = new StreamReader(connection.Input.AsStream(leaveOpen: true), Encoding.ASCII);
            string path = (await reader.ReadLineAsync())!.Split(' ')[1];
            while (!string.IsNullOrEmpty(await reader.ReadLineAsync()))
            {
            }

            if (path == "/endless")
            {
                await connection.Output.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nand so on"u8.ToArray());
                await connection.ReceiveEnded;
                return;
            }

            string body = $"you asked for {path}";
            string status = path == "/missing" ? "404 Not Found" : "200 OK";
            await connection.Output.WriteAsync(
                Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
        }
    }
}
