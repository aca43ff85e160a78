using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using ZeroTier;

namespace Kestrel.Transport.ZeroTier.Listening;

/// <summary>
/// Presents the endpoints of <c>ZeroTier:Listen</c> to Kestrel as endpoints of its own configuration section, so that Kestrel binds and
/// unbinds them at run time when they change, and handles their certificates and protocols. Kestrel reads a placeholder address, which is
/// replaced by the ZeroTier endpoint before it is bound. Thread-safe.
/// </summary>
/// <remarks>
/// The app's configuration is not modified: only Kestrel's view of it has additional endpoints. They come from validated options, after the
/// other parts of the host have applied a change, and not directly from the file, which Kestrel would read as soon as it changes.
/// </remarks>
internal sealed class KestrelSection(AccessControl access) : ConfigurationProvider, IConfigurationSource
{
    private readonly Lock _gate = new();
    private volatile ServedEndPoint[] _served = [];

    // The endpoints before the last change: Kestrel may still be reading them.
    private volatile ServedEndPoint[] _before = [];
    private bool _isAttached;

    /// <summary>The endpoints that Kestrel is shown.</summary>
    public IReadOnlyList<ServedEndPoint> Served => _served;

    /// <summary>
    /// Whether Kestrel follows changes. It does not when the app has called <c>Configure</c> without <c>reloadOnChange</c>.
    /// </summary>
    public bool IsFollowed { get; private set; }

    /// <inheritdoc />
    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    /// <summary>Adds the endpoints to the configuration that a server reads.</summary>
    /// <param name="kestrel">The options of the server.</param>
    /// <param name="atStart">The options at start.</param>
    public void Attach(KestrelServerOptions kestrel, ZeroTierOptions atStart)
    {
        lock (_gate)
        {
            if (!_isAttached)
            {
                _isAttached = true;
                Show(Compare(atStart));
            }
        }

        var loader = kestrel.ConfigurationLoader;
        var configuration = new ConfigurationBuilder()
            .AddConfiguration(loader?.Configuration ?? new ConfigurationManager())
            .Add(this).Build();
        var defaults = KestrelMembers.EndpointDefaults(kestrel);
        kestrel.ConfigureEndpointDefaults(listen =>
        {
            defaults(listen);
            Claim(listen);
        });
        if (loader is null)
        {
            kestrel.Configure(configuration, reloadOnChange: true);
            IsFollowed = true;
            return;
        }

        KestrelMembers.SetConfiguration(loader, configuration);
        IsFollowed = KestrelMembers.ReloadsOnChange(loader);
        if (KestrelMembers.IsLoaded(loader))
        {
            // The app has already called Load; Kestrel would not read the configuration again until it changes.
            KestrelMembers.Reload(loader);
        }
    }

    /// <summary>
    /// Applies changed options: passes the endpoints to Kestrel, if it follows changes, and updates the access lists of the endpoints that
    /// remain.
    /// </summary>
    public EndpointChange Follow(ZeroTierOptions options)
    {
        EndpointChange change;
        lock (_gate)
        {
            change = Compare(options);
            if (!IsFollowed)
            {
                return change;
            }

            Show(change);
        }

        if (!change.IsNone)
        {
            OnReload();
        }

        return change;
    }

    private void Show(EndpointChange change)
    {
        _before = _served;
        _served = change.Now;
        Data = change.Now.SelectMany(served => served.Section).ToDictionary(StringComparer.OrdinalIgnoreCase);
    }

    private EndpointChange Compare(ZeroTierOptions options)
    {
        var gone = _served.ToList();
        var (now, added, changed) = (new List<ServedEndPoint>(), new List<ServedEndPoint>(), new List<ServedEndPoint>());
        bool listsKept = false;
        foreach (var entry in options.ListenEntries.Where(entry => entry.Kestrel is not null))
        {
            foreach (var endPoint in KestrelEndpoints.Configured(options, entry))
            {
                int i = gone.FindIndex(served => served.EndPoint.Equals(endPoint));
                if (i < 0)
                {
                    added.Add(new ServedEndPoint(endPoint, entry, FreeNumber(now)));
                    now.Add(added[^1]);
                    continue;
                }

                // Update the existing list object: the endpoint's middleware holds a reference to it.
                var before = gone[i];
                gone.RemoveAt(i);
                listsKept |= !before.Entry.Access.Follow(entry.Access);
                var same = before with { Entry = entry with { Access = before.Entry.Access } };
                now.Add(same);
                if (!same.IsAs(before))
                {
                    changed.Add(same);
                }
            }
        }

        return new EndpointChange([.. now], added, gone, changed, listsKept);
    }

    private int FreeNumber(List<ServedEndPoint> now)
    {
        int number = 1;
        while (_served.Any(served => served.Number == number) || now.Exists(served => served.Number == number))
        {
            number++;
        }

        return number;
    }

    /// <summary>
    /// Called by Kestrel for each endpoint that it reads: replaces a placeholder by the ZeroTier endpoint that it stands for.
    /// </summary>
    private void Claim(ListenOptions listen)
    {
        if (listen.IPEndPoint is not { } placeholder || !Placeholder.Is(placeholder)
            || _served.Concat(_before).FirstOrDefault(served => served.Placeholder.Equals(placeholder)) is not { } found)
        {
            return;
        }

        // The entry's own protocols are validated already, and Kestrel applies them after this.
        if (listen.Protocols.HasFlag(HttpProtocols.Http3) && found.Entry.Kestrel!.Protocols is null)
        {
            throw new InvalidOperationException(string.Format(CultureInfo.InvariantCulture, KestrelEndpoints.Http3Refused, found.EndPoint));
        }

        KestrelMembers.SetEndPoint(listen, found.EndPoint);
        KestrelEndpoints.Prepare(listen, access, found.Entry);
        if (found.Entry.Kestrel!.UsesNodeCertificate)
        {
            listen.UseZeroTierHttps();
        }
    }
}
