namespace ZeroTier.Controller;

/// <summary>A record in a folder that a <see cref="ControllerImport"/> could not import, or not completely. Immutable.</summary>
/// <param name="File">The file, relative to the folder, with forward slashes.</param>
/// <param name="IsTakenOver">True when the record was imported without the part named in <paramref name="Reason"/>, false when it was
/// skipped.</param>
/// <param name="Reason">What was left out, and why.</param>
public sealed record ImportFinding(string File, bool IsTakenOver, string Reason)
{
    /// <summary>File and reason in one line.</summary>
    public override string ToString() => $"{File}: {(IsTakenOver ? "" : "left out: ")}{Reason}";
}
