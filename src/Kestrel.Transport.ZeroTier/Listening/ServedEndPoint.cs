using System.Globalization;
using System.Net;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>An endpoint of <c>ZeroTier:Listen</c> on one network, with its form in Kestrel's configuration.</summary>
/// <param name="EndPoint">The ZeroTier endpoint.</param>
/// <param name="Entry">The configured entry.</param>
/// <param name="Number">Unique and constant while the endpoint is configured, so that Kestrel recognises it.</param>
internal sealed record ServedEndPoint(ZeroTierEndPoint EndPoint, ListenEntry Entry, int Number)
{
    /// <summary>The address that stands for the endpoint in Kestrel's configuration.</summary>
    public IPEndPoint Placeholder { get; } = Listening.Placeholder.Of(Number, EndPoint.Port);

    /// <summary>
    /// The endpoint's part of Kestrel's section. Kestrel binds an endpoint again when anything in it changes; access lists are not in it,
    /// because they change without a new bind.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string?>> Section
    {
        get
        {
            string path = string.Create(CultureInfo.InvariantCulture, $"Endpoints:{EndPoint.ToString().Replace(':', ' ')} #{Number}:");
            string scheme = Entry.Kestrel!.UsesTls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
            return Entry.Kestrel!.Texts.Select(setting => KeyValuePair.Create(path + setting.Key, setting.Value))
                .Append(new(path + "Url", $"{scheme}://{Placeholder}"));
        }
    }

    /// <summary>Whether two states of an endpoint are the same for Kestrel.</summary>
    public bool IsAs(ServedEndPoint other) => Number == other.Number && Entry.Kestrel!.AreAs(other.Entry.Kestrel!);
}
