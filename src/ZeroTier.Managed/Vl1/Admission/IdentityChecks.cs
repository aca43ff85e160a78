namespace ZeroTier.Managed.Vl1.Admission;

/// <summary>
/// The two checks of an unknown identity that cost processor time. Injected: in a simulation, whose clock stands still while code runs, a
/// derived class says what they cost.
/// </summary>
internal class IdentityChecks
{
    /// <summary>Agrees on keys: about a tenth of a millisecond. Null when the public key is of small order.</summary>
    public virtual SessionKeys? Agree(NodeIdentity self, NodeIdentity other) => SessionKeys.Agree(self, other);

    /// <summary>Checks the proof of work: about ten milliseconds and 2 MiB.</summary>
    public virtual bool IsValid(NodeIdentity identity) => identity.IsLocallyValid();

    /// <summary>What a check has cost.</summary>
    /// <param name="check">Which.</param>
    /// <param name="measured">How far the clock moved meanwhile.</param>
    public virtual TimeSpan CostOf(IdentityCheck check, TimeSpan measured) => measured;
}

/// <summary>A kind of check, each with a queue and a share of the processor of its own.</summary>
internal enum IdentityCheck
{
    Agreement,
    ProofOfWork,
}
