using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Configuration;

namespace Kestrel.Transport.ZeroTier.Configuration;

/// <summary>
/// The settings of an endpoint that Kestrel reads itself, as those of <c>Kestrel:Endpoints</c>. They are validated here, because Kestrel
/// binds none of the changed endpoints when one of them is invalid.
/// </summary>
internal sealed record KestrelSettings
{
    private const string Sni = nameof(Sni);
    private const string Https = nameof(Https);
    private static readonly string[] ForTls = [CertificateSetting.Name, Sni, nameof(SslProtocols), nameof(ClientCertificateMode)];

    /// <summary>The settings of an endpoint that sets none of them.</summary>
    public static KestrelSettings None { get; } = new();

    /// <summary>The settings as keys and values of the configuration, relative to the endpoint.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>> Texts { get; private init; } = [];

    /// <summary>The protocols; null when not set.</summary>
    public HttpProtocols? Protocols { get; private init; }

    /// <summary>Whether the endpoint has a certificate, that of the node or another.</summary>
    public bool UsesTls { get; private init; }

    /// <summary>
    /// Whether the certificate is that of the node. Kestrel has no setting for this: it is added after Kestrel has read the other settings.
    /// </summary>
    public bool UsesNodeCertificate { get; private init; }

    /// <summary>Reads the settings and reports errors.</summary>
    /// <param name="reader">The reader of the endpoint's section.</param>
    /// <param name="section">The endpoint's section.</param>
    /// <param name="contentRoot">The folder that relative paths of certificates are resolved against.</param>
    public static KestrelSettings Read(SectionReader reader, IConfigurationSection section, string contentRoot)
    {
        var protocols = ReadProtocols(reader);
        ReadTls(reader);
        CertificateSetting.Check(reader, contentRoot);
        IConfigurationSection[] names = [.. reader.Section(Sni).GetChildren()];
        foreach (var name in names)
        {
            CheckName(reader, name, contentRoot);
        }

        bool usesOwn = names.Length > 0 || reader.Section(CertificateSetting.Name).GetChildren().Any();
        bool usesNodes = reader.Flag(Https) ?? false;
        if (usesNodes && ForTls.FirstOrDefault(reader.Has) is { } other)
        {
            reader.Report(
                $"{reader.Path}:{other} is set together with {reader.Path}:{Https}, which stands for the certificate of the node. Leave "
                + "one of them out.");
        }
        else if (!usesOwn && ForTls.FirstOrDefault(reader.Has) is { } idle)
        {
            reader.Report(
                $"{reader.Path}:{idle} is for TLS, which the endpoint does not use. Give it a {reader.Path}:{CertificateSetting.Name}, for "
                + $"example with the Path 'app.pfx', or leave it out; {reader.Path}:{Https} stands for the certificate of the node.");
        }

        return new KestrelSettings
        {
            Texts = [.. new[] { nameof(Protocols) }.Concat(ForTls).SelectMany(key => Copy(section, key))],
            Protocols = protocols,
            UsesTls = usesOwn || usesNodes,
            UsesNodeCertificate = usesNodes,
        };
    }

    /// <summary>Whether the settings are the same for Kestrel, so that it need not bind the endpoint again.</summary>
    public bool AreAs(KestrelSettings other) => UsesNodeCertificate == other.UsesNodeCertificate && Texts.SequenceEqual(other.Texts);

    // As in Kestrel's own section: a certificate and protocols for each server name (SNI).
    private static void CheckName(SectionReader parent, IConfigurationSection name, string contentRoot)
    {
        var reader = new SectionReader(name);
        ReadProtocols(reader);
        ReadTls(reader);
        CertificateSetting.Check(reader, contentRoot);
        foreach (string error in reader.Errors)
        {
            parent.Report(error);
        }
    }

    private static HttpProtocols? ReadProtocols(SectionReader reader)
    {
        var protocols = reader.Enum<HttpProtocols>(nameof(Protocols), nameof(HttpProtocols.Http1AndHttp2));
        if (protocols is { } chosen && chosen.HasFlag(HttpProtocols.Http3))
        {
            reader.Report(
                string.Format(
                    System.Globalization.CultureInfo.InvariantCulture,
                    KestrelEndpoints.Http3Refused,
                    $"{reader.Path}:{nameof(Protocols)}"));
        }

        return protocols;
    }

    private static void ReadTls(SectionReader reader)
    {
        reader.Enum<ClientCertificateMode>(nameof(ClientCertificateMode), nameof(ClientCertificateMode.RequireCertificate));
        const string Example = "[\"Tls12\", \"Tls13\"]";
        var list = reader.Section(nameof(SslProtocols));
        if (!string.IsNullOrEmpty(list.Value))
        {
            reader.Report($"{list.Path} is '{list.Value}', but Kestrel reads a list. A valid example is {Example}.");
        }

        foreach (var text in list.GetChildren().Where(child => !Enum.TryParse<SslProtocols>(child.Value, ignoreCase: true, out _)))
        {
            reader.Wrong($"{list.Key}:{text.Key}", text.Value ?? "", Example);
        }
    }

    private static IEnumerable<KeyValuePair<string, string?>> Copy(IConfigurationSection section, string key) =>
        section.GetSection(key).AsEnumerable().Where(setting => setting.Value is not null)
            .Select(setting => KeyValuePair.Create(setting.Key[(section.Path.Length + 1)..], setting.Value))
            .OrderBy(setting => setting.Key, StringComparer.Ordinal);
}
