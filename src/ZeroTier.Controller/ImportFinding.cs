namespace ZeroTier.Controller;

/// <summary>
/// Something in a folder that a <see cref="ControllerImport"/> could not take over, or not as it stands there. Immutable.
/// </summary>
/// <param name="File">The file, relative to the folder, with forward slashes.</param>
/// <param name="IsTakenOver">True when the record was taken over without the part that <paramref name="Reason"/> names, false when all of
/// it was left out.</param>
/// <param name="Reason">What was left out, and why.</param>
public sealed record ImportFinding(string File, bool IsTakenOver, string Reason)
{
    /// <summary>File and reason in one line.</summary>
    public override string ToString() => $"{File}: {(IsTakenOver ? "" : "left out: ")}{Reason}";
}
