namespace ZeroTier.Cli;

/// <summary>The exit codes of <c>zt</c>.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The command could not do its work; standard error says why.</summary>
    public const int Failure = 1;

    /// <summary>Interrupted before its work was done: 128 + SIGINT, as shells report it.</summary>
    public const int Interrupted = 130;

    /// <summary><c>zt get</c>: the server answered with a status of 400 or above; the exit code of <c>curl --fail</c>.</summary>
    public const int HttpError = 22;
}
