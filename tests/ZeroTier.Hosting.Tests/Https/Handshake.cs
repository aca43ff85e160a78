using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ZeroTier.Managed;

namespace ZeroTier.Hosting.Tests.Https;

/// <summary>A TLS handshake between two nodes, in which the server shows whatever certificate the test has made.</summary>
internal static class Handshake
{
    /// <summary>Why the client refuses; null when it goes on.</summary>
    /// <param name="client">The node that connects, always to <paramref name="server"/>.</param>
    /// <param name="server">The node that answers.</param>
    /// <param name="certificate">What it shows.</param>
    /// <param name="host">Whom the client means.</param>
    public static async Task<string?> RunAsync(ManagedNode client, ManagedNode server, X509Certificate2 certificate, string host)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var listener = await server.ListenAsync(new ZeroTierEndPoint(Testing.TestNetwork.Network, 0), cancel);
        var answering = AnswerAsync(listener, certificate);
        await using var connection = await client.ConnectAsync(
            ZeroTierName.Of(server.Id, Testing.TestNetwork.Network), listener.EndPoint.Port, cancel);
        await using var stream = new SslStream(
            new ZeroTierConnectionStream(connection), leaveInnerStreamOpen: false, client.ValidateServerCertificate);
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host }, cancel);
            return null;
        }
        catch (AuthenticationException exception)
        {
            return exception.Message;
        }
        finally
        {
            stream.Close();
            await answering;
        }
    }

    private static async Task AnswerAsync(IZeroTierListener listener, X509Certificate2 certificate)
    {
        try
        {
            await using var stream = new SslStream(new ZeroTierConnectionStream((await listener.AcceptAsync())!));
            await stream.AuthenticateAsServerAsync(certificate);
        }
        catch (Exception exception) when (exception is IOException or AuthenticationException)
        {
            // Refused by the client.
        }
    }
}
