namespace ZeroTier.Engines;

/// <summary>What is said of a connection whose output has failed at the application's end.</summary>
internal static class OutputFailure
{
    /// <summary>
    /// The reason, from what reading the output threw. An application may complete its output with any exception; a pipe that was used
    /// against its rules throws these, whichever of its fields the two uses have left at odds.
    /// </summary>
    public static string Describe(Exception cause) =>
        cause is InvalidOperationException or ArgumentException or NullReferenceException or IndexOutOfRangeException
            ? "This end failed while writing: either it said so, or the output was used against the rules of a pipe, such as by two writes "
                + "at once."
            : "This end failed while writing.";
}
