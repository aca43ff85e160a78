namespace ZeroTier.Controller;

/// <summary>A record has changed meanwhile: it has another revision than the change expects. Read it again, and decide anew.</summary>
public sealed class StoreConflictException : Exception
{
    /// <summary>Makes the exception.</summary>
    public StoreConflictException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception, with its cause.</summary>
    public StoreConflictException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception of a change that does not fit.</summary>
    /// <param name="change">The change.</param>
    /// <param name="found">The revision that the record has; 0 where there is none.</param>
    public StoreConflictException(StoreChange change, long found)
        : base(
            $"{Describe(change)} has revision {found}, not {change.ExpectedRevision} (0: it does not exist). Somebody else has changed it: "
            + "read it again.")
    {
    }

    private static string Describe(StoreChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return change switch
        {
            MemberWrite write => $"Member {write.Member.Node} of network {write.NetworkId}",
            MemberRemoval removal => $"Member {removal.Node} of network {removal.NetworkId}",
            _ => $"Network {change.NetworkId}",
        };
    }
}
