using Kestrel.Transport.ZeroTier.Listening;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using ZeroTier;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>TLS with the certificate of the node.</summary>
public static class ZeroTierHttpsListenOptionsExtensions
{
    /// <summary>
    /// Serves https with the certificate of the node (<see cref="ZeroTierCertificate"/>), which is created and renewed automatically.
    /// ZeroTier clients verify it against the node that they called; browsers treat it as self-signed. HTTP/2 and HTTP/1.1 are negotiated,
    /// unless <see cref="ListenOptions.Protocols"/> says otherwise.
    /// </summary>
    /// <remarks>
    /// On libzt, which has no access to the identity key that would prove the certificate, the host does not start, and the exception says
    /// why.
    /// </remarks>
    /// <param name="options">The endpoint, of a host with <c>UseZeroTier</c>.</param>
    /// <exception cref="InvalidOperationException">The application does not use ZeroTier.</exception>
    public static ListenOptions UseZeroTierHttps(this ListenOptions options) => options.UseZeroTierHttps(static _ => { });

    /// <summary>
    /// Serves https with the certificate of the node (<see cref="ZeroTierCertificate"/>), which is created and renewed automatically.
    /// ZeroTier clients verify it against the node that they called; browsers treat it as self-signed. HTTP/2 and HTTP/1.1 are negotiated,
    /// unless <see cref="ListenOptions.Protocols"/> says otherwise.
    /// </summary>
    /// <remarks>
    /// On libzt, which has no access to the identity key that would prove the certificate, the host does not start, and the exception says
    /// why.
    /// </remarks>
    /// <param name="options">The endpoint, of a host with <c>UseZeroTier</c>.</param>
    /// <param name="configure">Configures everything about TLS except the certificate.</param>
    /// <exception cref="InvalidOperationException">The application does not use ZeroTier.</exception>
    public static ListenOptions UseZeroTierHttps(this ListenOptions options, Action<HttpsConnectionAdapterOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(configure);
        var services = options.ApplicationServices;
        var certificate = services.GetService<ZeroTierCertificate>()
            ?? throw new InvalidOperationException(
                "The certificate of the node needs a ZeroTier node: call UseZeroTier on the web host, for example "
                + "builder.WebHost.UseZeroTier().");
        services.GetRequiredService<CertificateUse>().Claim(options.EndPoint);
        return options.UseHttps(https =>
        {
            configure(https);
            https.ServerCertificate = null;
            https.ServerCertificateChain = null;
            https.ServerCertificateSelector = (_, _) => certificate.Get();
        });
    }
}
