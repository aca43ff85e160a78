using System.Globalization;
using System.Net;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>An endpoint of <c>ZeroTier:Listen</c>, as it is on one network, and as Kestrel reads it.</summary>
/// <param name="EndPoint">Where it is served.</param>
/// <param name="Entry">What was configured.</param>
/// <param name="Number">Its own while it is configured, so that Kestrel knows it again.</param>
internal sealed record ServedEndPoint(ZeroTierEndPoint EndPoint, ListenEntry Entry, int Number)
{
    /// <summary>The endpoint in Kestrel's terms.</summary>
    public IPEndPoint Placeholder { get; } = Listening.Placeholder.Of(Number, EndPoint.Port);

    /// <summary>
    /// Its part of Kestrel's section. Kestrel binds anew what differs in it: access lists, which change without that, are not there.
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

    /// <summary>Whether Kestrel sees no difference to another.</summary>
    public bool IsAs(ServedEndPoint other) => Number == other.Number && Entry.Kestrel!.AreAs(other.Entry.Kestrel!);
}
