using ZeroTier.Managed.Identity;
using System.Security.Cryptography;
using ZeroTier.Managed.Crypto;

namespace ZeroTier.Managed;

/// <content>Making a new identity (docs/protocol/1-identity-and-crypto.md 1.4.4).</content>
public sealed partial class NodeIdentity
{
    // Most candidates that are tried in parallel.
    private const int MaximumWidth = 8;

    /// <summary>
    /// Generates an identity with the system's random number generator, on the thread pool. It takes about 15 memory-hard hashes, a
    /// fraction of a second.
    /// </summary>
    /// <param name="cancellationToken">Cancels the generation, between two hashes.</param>
    public static Task<NodeIdentity> GenerateAsync(CancellationToken cancellationToken = default) =>
        GenerateAsync(RandomSource.System, cancellationToken);

    /// <summary>
    /// Generates an identity on the thread pool, on up to eight processors. It takes about 15 memory-hard hashes, a fraction of a second.
    /// </summary>
    /// <param name="random">The source of randomness. The same numbers always give the same identity.</param>
    /// <param name="cancellationToken">Checked between two hashes.</param>
    public static Task<NodeIdentity> GenerateAsync(RandomSource random, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(random);
        return Task.Run(
            () => Generate(random, Math.Clamp(Environment.ProcessorCount, 1, MaximumWidth), cancellationToken), cancellationToken);
    }

    /// <summary>Generates an identity on the caller's thread.</summary>
    internal static NodeIdentity Generate(RandomSource random, CancellationToken cancellationToken = default) =>
        Generate(random, 1, cancellationToken);

    // Candidates are drawn in order, and the first one that fits is used, so that the number of processors does not change the result.
    private static NodeIdentity Generate(RandomSource random, int width, CancellationToken cancellationToken)
    {
        byte[] seed = GC.AllocateUninitializedArray<byte>(Ed25519.KeySize, pinned: true);
        var candidates = new Candidate[width];
        for (int i = 0; i < width; i++)
        {
            candidates[i] = new Candidate();
        }

        try
        {
            random.Fill(seed);
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                foreach (Candidate candidate in candidates)
                {
                    candidate.Draw(random, seed);
                }

                if (width == 1)
                {
                    candidates[0].Hash();
                }
                else
                {
                    Parallel.For(0, width, i => candidates[i].Hash());
                }

                foreach (Candidate candidate in candidates)
                {
                    if (candidate.Fits)
                    {
                        return candidate.ToIdentity();
                    }
                }
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
            foreach (Candidate candidate in candidates)
            {
                candidate.Clear();
            }
        }
    }

    private sealed class Candidate
    {
        private readonly byte[] _privateKey = AllocateSecret();
        private readonly byte[] _publicKey = new byte[PublicKeySize];
        private readonly byte[] _digest = new byte[AddressHash.DigestSize];

        // A candidate with a reserved address is rejected like one without proof of work.
        public bool Fits => _digest[0] < AddressHash.FirstByteLimit && !AddressOf(_digest).IsReserved;

        public void Draw(RandomSource random, ReadOnlySpan<byte> seed)
        {
            random.Fill(_privateKey.AsSpan(0, AgreementKeySize));
            seed.CopyTo(_privateKey.AsSpan(AgreementKeySize));
        }

        public void Hash()
        {
            DerivePublicKey(_privateKey, _publicKey);
            AddressHash.Compute(_publicKey, _digest);
        }

        public NodeIdentity ToIdentity()
        {
            byte[] secret = AllocateSecret();
            _privateKey.CopyTo(secret, 0);
            return new NodeIdentity(AddressOf(_digest), _publicKey, secret);
        }

        public void Clear() => CryptographicOperations.ZeroMemory(_privateKey);
    }
}
