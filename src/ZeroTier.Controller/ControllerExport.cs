using ZeroTier.Controller.Import;
using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.Controller;

/// <summary>
/// Writes networks and members in ZeroTierOne's format (docs/protocol/5-http-api.md 5.8), to migrate back or as a human-readable backup.
/// </summary>
public static class ControllerExport
{
    /// <summary>
    /// Writes a folder <c>controller.d</c>, accessible to its owner only. It contains join tokens, but not the controller's identity, which
    /// is the node's <c>identity.secret</c>.
    /// </summary>
    /// <param name="folder">The home folder; created if missing.</param>
    /// <param name="networks">The networks, for example <see cref="IControllerStore.LoadNetworksAsync"/>.</param>
    /// <param name="members">Their members, for example <see cref="IControllerStore.LoadMembersAsync"/>.</param>
    /// <param name="cancellationToken">Cancels the operation; files written so far remain.</param>
    /// <exception cref="ZeroTierException">The folder has a <c>controller.d</c> already, or cannot be written.</exception>
    public static async Task WriteAsync(
        string folder,
        IAsyncEnumerable<ControllerNetwork> networks,
        IAsyncEnumerable<ControllerMember> members,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(members);
        string store = Path.Combine(folder, HomeFolder.StoreName);
        if (Path.Exists(store))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage,
                $"'{store}' exists. What is exported must not be mixed with it: name another folder, or move it away.");
        }

        try
        {
            OwnerFolder.Create(Path.Combine(store, HomeFolder.NetworksName));
            await foreach (ControllerNetwork network in networks.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                OwnerFolder.Create(Path.Combine(store, HomeFolder.MemberFolder(network.Id)));
                Write(HomeFolder.NetworkFile(network.Id), ControllerJson.Write(network));
            }

            await foreach (ControllerMember member in members.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                OwnerFolder.Create(Path.Combine(store, HomeFolder.MemberFolder(member.Network)));
                Write(HomeFolder.MemberFile(member.Network, member.Node), ControllerJson.Write(member));
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not ZeroTierException))
        {
            throw new ZeroTierException(ZeroTierError.Storage, $"'{store}' cannot be written: {e.Message}", e);
        }

        void Write(string file, byte[] json) => PrivateFile.Write(Path.Combine(store, file), json, secret: true, overwrite: false);
    }
}
