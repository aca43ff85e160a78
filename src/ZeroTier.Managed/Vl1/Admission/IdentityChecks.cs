namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>
/// The two expensive checks of an unknown identity. Injected, because in a simulation, whose clock stands still while code runs, a derived
/// class supplies their cost.
/// </summary>
internal class IdentityChecks
{
    /// <summary>Agrees on keys: about a tenth of a millisecond. Null when the public key is of small order.</summary>
    public virtual SessionKeys? Agree(NodeIdentity self, NodeIdentity other) => SessionKeys.Agree(self, other);

    /// <summary>Checks the proof of work: about ten milliseconds and 2 MiB.</summary>
    public virtual bool IsValid(NodeIdentity identity) => identity.IsLocallyValid();

    /// <summary>The processor time to charge for a check.</summary>
    /// <param name="check">The kind of check.</param>
    /// <param name="measured">The time that it took by the clock.</param>
    public virtual TimeSpan CostOf(IdentityCheck check, TimeSpan measured) => measured;
}

/// <summary>The kinds of checks. Each has its own queue and processor share.</summary>
internal enum IdentityCheck
{
    Agreement,
    ProofOfWork,
}
