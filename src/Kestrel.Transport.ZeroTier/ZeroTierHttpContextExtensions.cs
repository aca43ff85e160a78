using Kestrel.Transport.ZeroTier;

namespace Microsoft.AspNetCore.Http;

/// <summary>Identifies the calling node in request handlers.</summary>
public static class ZeroTierHttpContextExtensions
{
    /// <summary>
    /// The ZeroTier peer that sent this request, or null when the request did not come over a ZeroTier network. Works with the context that
    /// SignalR gives to hubs, too.
    /// </summary>
    public static IZeroTierPeerFeature? GetZeroTierPeer(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<IZeroTierPeerFeature>()
            ?? (context.Items.TryGetValue(typeof(IZeroTierPeerFeature), out object? kept) ? kept as IZeroTierPeerFeature : null);
    }
}
