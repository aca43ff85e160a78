using System.Security.Cryptography;
using System.Text;
using ZeroTier.Engines;
using ZeroTier.Platform;

namespace ZeroTier.Managed;

/// <summary>
/// A directory that holds one node's identity: <c>identity.secret</c> (mode 0600), <c>identity.public</c> (0644) and <c>node.lock</c>.
/// While the store is open no other node, in this process or another, can open the same directory.
/// </summary>
/// <remarks>
/// An identity file that is damaged, or does not match the other, is an error and is never overwritten. A secret file that other users may
/// read is accepted, and its mode set to 0600 if this user may do so. A read-only directory, such as a mounted secret, must contain the
/// secret file; nothing is written there. File modes apply to Unix only; on Windows the secret file gets an access control list for this
/// user alone, and other files inherit that of the directory.
/// </remarks>
public sealed class IdentityStore : IDisposable
{
    /// <summary>Name of the file with the private key.</summary>
    public const string SecretFileName = StorageClaim.SecretFileName;

    /// <summary>Name of the file with the public identity.</summary>
    public const string PublicFileName = "identity.public";

    /// <summary>Name of the file whose lock marks the directory as in use. The empty file is not deleted after use.</summary>
    public const string LockFileName = StorageClaim.LockFileName;

    // Far longer than any identity; a longer file is refused.
    private const int MaximumFileSize = 4096;

    private readonly StorageClaim _claim;

    private IdentityStore(string path, NodeIdentity identity, bool isNew, StorageClaim claim)
    {
        Path = path;
        Identity = identity;
        IsNew = isNew;
        _claim = claim;
    }

    /// <summary>The directory's full path.</summary>
    public string Path { get; }

    /// <summary>The node's identity, with its private key. Disposed of with the store.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>True when this call created the identity.</summary>
    public bool IsNew { get; }

    /// <summary>
    /// Opens the directory, creates it (mode 0700) if it does not exist, and loads its identity, or generates one with the system's random
    /// number generator if there is none.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <param name="cancellationToken">Cancels the operation; a new identity is then not stored.</param>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.Storage"/>: the directory is in use or cannot be used, or its identity
    /// files are damaged.</exception>
    public static Task<IdentityStore> OpenAsync(string path, CancellationToken cancellationToken = default) =>
        OpenAsync(path, RandomSource.System, cancellationToken);

    /// <summary>
    /// Opens the directory, creates it (mode 0700) if it does not exist, and loads its identity, or generates one if there is none.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <param name="random">The source of randomness for a new identity.</param>
    /// <param name="cancellationToken">Cancels the operation; a new identity is then not stored.</param>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.Storage"/>: the directory is in use or cannot be used, or its identity
    /// files are damaged.</exception>
    public static Task<IdentityStore> OpenAsync(string path, RandomSource random, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(random);
        return ClaimAsync(System.IO.Path.GetFullPath(path), cancel => NodeIdentity.GenerateAsync(random, cancel), cancellationToken);
    }

    /// <summary>
    /// Loads the identity of a directory, or generates one if there is none, on another thread: checking an identity takes a processor for
    /// tens of milliseconds when the process has just started.
    /// </summary>
    /// <param name="path">The directory's full path.</param>
    /// <param name="claim">The claim on the directory. It belongs to the store, or is released if this fails.</param>
    /// <param name="random">The source of randomness for a new identity.</param>
    /// <param name="cancellationToken">Cancels the operation; a new identity is then not stored.</param>
    internal static Task<IdentityStore> OpenAsync(
        string path, StorageClaim claim, RandomSource random, CancellationToken cancellationToken) =>
        OpenCoreAsync(path, claim, cancel => NodeIdentity.GenerateAsync(random, cancel), cancellationToken);

    /// <summary>
    /// Opens the directory, creates it (mode 0700) if it does not exist, and loads its identity, or stores the given one if there is none.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <param name="identity">The identity for a directory without one, with its private key. The store holds a copy of its own.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ZeroTierException"><see cref="ZeroTierError.Storage"/>: the directory is in use or cannot be used, or its identity
    /// files are damaged.</exception>
    internal static Task<IdentityStore> OpenAsync(string path, NodeIdentity identity, CancellationToken cancellationToken) => ClaimAsync(
        System.IO.Path.GetFullPath(path), _ => Task.FromResult(NodeIdentity.Parse(identity.ToSecretText())), cancellationToken);

    /// <summary>Releases the directory and overwrites the private key in memory.</summary>
    public void Dispose()
    {
        Identity.Dispose();
        _claim.Dispose();
    }

    private static async Task<IdentityStore> ClaimAsync(
        string path, Func<CancellationToken, Task<NodeIdentity>> create, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await OpenCoreAsync(path, StorageClaim.Take(path), create, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IdentityStore> OpenCoreAsync(
        string path, StorageClaim claim, Func<CancellationToken, Task<NodeIdentity>> create, CancellationToken cancellationToken)
    {
        NodeIdentity? identity = null;
        try
        {
            identity = await Task.Run(() => Load(path, claim), cancellationToken).ConfigureAwait(false);
            bool isNew = identity is null;
            if (identity is null)
            {
                identity = await create(cancellationToken).ConfigureAwait(false);

                // The secret file first: if the machine stops in between, the public file can be made from it.
                Save(path, SecretFileName, identity.ToSecretText(), secret: true);
            }

            if (claim.ReadOnlyBecause is null && !File.Exists(System.IO.Path.Combine(path, PublicFileName)))
            {
                SavePublic(path, identity);
            }

            return new IdentityStore(path, identity, isNew, claim);
        }
        catch (Exception e)
        {
            identity?.Dispose();
            claim.Dispose();
            if (e is UnauthorizedAccessException or (IOException and not ZeroTierException))
            {
                throw StorageClaim.Unusable(path, e);
            }

            throw;
        }
    }

    private static NodeIdentity? Load(string path, StorageClaim claim)
    {
        string secretFile = System.IO.Path.Combine(path, SecretFileName);
        string publicFile = System.IO.Path.Combine(path, PublicFileName);
        if (!File.Exists(secretFile))
        {
            return !File.Exists(publicFile) ? null : throw Damaged(
                publicFile,
                $"there is no '{SecretFileName}' beside it, so its private key is lost",
                "Restore the secret file, or remove the public one to get a new identity.");
        }

        claim.TightenSecret();

        const string Restore = "Restore it from a backup, or move it away to get a new identity and with it a new node address.";
        if (!NodeIdentity.TryParse(ReadSecret(claim), out NodeIdentity? identity))
        {
            throw Damaged(secretFile, "it holds no identity, or a private key that does not match its public key", Restore);
        }

        try
        {
            if (!identity.HasSecret)
            {
                throw Damaged(secretFile, "it holds a public identity without its private key", Restore);
            }

            // Costs one memory-hard hash. All other nodes would ignore a node whose address does not belong to its public key.
            if (!identity.IsLocallyValid())
            {
                throw Damaged(secretFile, "its address does not belong to its public key", Restore);
            }

            if (File.Exists(publicFile))
            {
                string publicText = Encoding.ASCII.GetString(PrivateFile.Read(publicFile, MaximumFileSize));
                if (!NodeIdentity.TryParse(publicText, out NodeIdentity? other) || !other.Equals(identity))
                {
                    throw Damaged(
                        publicFile,
                        $"it is not the public part of '{SecretFileName}' beside it",
                        "Remove whichever of the two does not belong here; the public one can be made again.");
                }
            }

            return identity;
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    private static string ReadSecret(StorageClaim claim)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(MaximumFileSize, pinned: true);
        try
        {
            int length = claim.ReadSecret(bytes);
            return length < bytes.Length ? Encoding.ASCII.GetString(bytes, 0, length) : "";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static void Save(string path, string name, string text, bool secret)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        try
        {
            PrivateFile.Write(System.IO.Path.Combine(path, name), bytes, secret, overwrite: false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static void SavePublic(string path, NodeIdentity identity)
    {
        try
        {
            Save(path, PublicFileName, identity.ToString(), secret: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // For example a full disk. Nothing needs the file, and the next start tries again.
        }
    }

    private static ZeroTierException Damaged(string file, string what, string remedy) =>
        new(ZeroTierError.Storage, $"The identity file '{file}' cannot be used: {what}. Nothing was changed. {remedy}");
}
