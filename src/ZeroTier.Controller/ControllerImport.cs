using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using ZeroTier.Controller.Import;
using ZeroTier.Engines;
using ZeroTier.Managed;
using ZeroTier.Platform;

namespace ZeroTier.Controller;

/// <summary>
/// Reads the controller of a ZeroTierOne home folder, with identity, networks and members (docs/protocol/5-http-api.md 5.8), for import
/// into a store of this library. Thread-safe except for <see cref="Dispose"/>.
/// </summary>
public sealed class ControllerImport : IDisposable
{
    /// <summary>The maximum number of networks read from one folder; each further one is reported as a finding.</summary>
    public const int MaxNetworks = 16_384;

    /// <summary>The maximum number of members read from one folder, over all networks; each further one is reported as a finding.</summary>
    public const int MaxMembers = 1_000_000;

    /// <summary>The maximum size of a file in bytes; longer files are skipped.</summary>
    public const int MaxFileSize = 8 * 1024 * 1024;

    /// <summary>The maximum number of findings that are kept; <see cref="FindingCount"/> counts all.</summary>
    public const int MaxFindings = 1000;

    private const string SecretFileName = "identity.secret";
    private const int MaxIdentitySize = 1024;

    private readonly string _folder;

    internal ControllerImport(string folder, NodeIdentity identity)
    {
        _folder = folder;
        Identity = identity;
    }

    /// <summary>
    /// The controller's identity with its private key: the networks belong to its address, and members verify its signatures. Disposed with
    /// this object.
    /// </summary>
    public NodeIdentity Identity { get; }

    /// <summary>The networks, in the order of their IDs.</summary>
    public ImmutableArray<ControllerNetwork> Networks { get; internal set; } = [];

    /// <summary>The members of these networks, in the order of networks and addresses.</summary>
    public ImmutableArray<ControllerMember> Members { get; internal set; } = [];

    /// <summary>What was not imported; the first <see cref="MaxFindings"/> findings.</summary>
    public ImmutableArray<ImportFinding> Findings { get; internal set; } = [];

    /// <summary>The total number of findings, including those that are not kept.</summary>
    public int FindingCount { get; internal set; }

    /// <summary>
    /// Reads a folder without changing it. Stop the ZeroTierOne service that uses it first, so that no file is read half-written.
    /// </summary>
    /// <param name="folder">The home folder, with <c>identity.secret</c> and <c>controller.d</c>; on Linux usually
    /// <c>/var/lib/zerotier-one</c>.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException">The folder has no identity with a secret, or no controller, or cannot be read; the message says
    /// which.</exception>
    public static async Task<ControllerImport> ReadAsync(string folder, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        try
        {
            string store = Path.Combine(folder, HomeFolder.StoreName);
            if (!Directory.Exists(store))
            {
                throw new ZeroTierException(
                    ZeroTierError.Storage, $"'{store}' does not exist, so there is no controller in '{folder}'. Name the home folder of " +
                        "ZeroTierOne, usually /var/lib/zerotier-one. A controller whose local.conf has settings.controllerDbPath keeps it "
                        + "elsewhere: copy it here first.");
            }

            var import = new ControllerImport(folder, ReadIdentity(Path.Combine(folder, SecretFileName)));
            try
            {
                await new FolderReader(store, import).ReadAsync(cancellationToken).ConfigureAwait(false);
                return import;
            }
            catch
            {
                import.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not ZeroTierException))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage, $"'{folder}' cannot be read: {e.Message} It belongs to root where ZeroTierOne is installed.", e);
        }
    }

    /// <summary>
    /// Prepares a storage folder with which a node of this library continues as the controller's node: writes the identity if the folder
    /// has none, and copies the peer cache.
    /// </summary>
    /// <remarks>
    /// The peer cache matters for a controller that is also the root. A node asks a root for the identities of nodes that it does not know;
    /// a root has nobody to ask, so without the cache it drops a member's packets until the member sends its identity again (HELLO), which
    /// takes minutes. At most as many peers are copied as a node keeps, the latest first. Files without a valid peer record are skipped.
    /// </remarks>
    /// <param name="storagePath">The folder; created if missing, accessible to its owner only. No node may be using it.</param>
    /// <param name="cancellationToken">Cancels the operation, which can be repeated.</param>
    /// <exception cref="ZeroTierException">The folder has another identity, is in use, or cannot be written, or the peers cannot be
    /// read.</exception>
    public async Task WriteNodeAsync(string storagePath, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(storagePath);
        try
        {
            await NodeTransfer.WriteAsync(Identity, _folder, storagePath, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or (IOException and not ZeroTierException))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage, $"The node cannot be moved from '{_folder}' to '{storagePath}': {e.Message}", e);
        }
    }

    /// <summary>
    /// Writes all networks and members to a store that has none of them, in one transaction: all or nothing. No controller may have the
    /// store open.
    /// </summary>
    /// <param name="store">The store, opened.</param>
    /// <param name="actor">Who imports, for the audit trail.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="StoreConflictException">The store already has one of the networks or members; nothing was written.</exception>
    public Task WriteAsync(IControllerStore store, Actor actor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(actor);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return store.WriteAsync(
            [
                .. Networks.Select(n => new NetworkWrite(n) { ExpectedRevision = 0 }),
                .. Members.Select(m => (StoreChange)new MemberWrite(m) { ExpectedRevision = 0 }),
            ],
            [.. Networks.Select(
                n => new AuditEntry { Time = now, Actor = actor, Action = "network.import", Network = n.Id, Detail = n.Name })],
            cancellationToken);
    }

    /// <summary>Overwrites the private key.</summary>
    public void Dispose() => Identity.Dispose();

    private static NodeIdentity ReadIdentity(string file)
    {
        if (!File.Exists(file))
        {
            throw new ZeroTierException(
                ZeroTierError.Storage, $"'{file}' does not exist. Without the controller's identity its members would not follow.");
        }

        byte[] bytes = PrivateFile.Read(file, MaxIdentitySize);
        try
        {
            if (NodeIdentity.TryParse(Encoding.ASCII.GetString(bytes).Trim(), out NodeIdentity? identity)
                && identity.HasSecret
                && identity.IsLocallyValid())
            {
                return identity;
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }

        throw new ZeroTierException(
            ZeroTierError.Storage, $"'{file}' does not hold an identity with its private key. Restore it from a backup.");
    }
}
