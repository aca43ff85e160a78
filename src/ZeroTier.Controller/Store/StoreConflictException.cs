namespace ZeroTier.Controller;

/// <summary>
/// A write conflict: the record has another revision than the change expects, because it was changed concurrently. Read it again and repeat
/// the change.
/// </summary>
public sealed class StoreConflictException : Exception
{
    /// <summary>Creates the exception.</summary>
    public StoreConflictException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception, with its cause.</summary>
    public StoreConflictException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception for a conflicting change.</summary>
    /// <param name="change">The change.</param>
    /// <param name="found">The record's current revision; 0 when it does not exist.</param>
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
