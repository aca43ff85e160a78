using System.IO.Pipelines;

namespace ZeroTier.Libzt.Sockets;

/// <content>
/// The far ends of the pipes are the application's: its memory pool may throw, and a pipe that is used against its rules completes our end as well, at any moment.
/// Each such exception ends this connection with a reset; the loop serves all others.
/// </content>
internal sealed partial class StreamSocket
{
    private const string PoolFailed = "The memory pool failed to take blocks back.";

    /// <summary>Something failed at this end: the peer hears a reset.</summary>
    internal void Fault(string message, Exception cause) =>
        EndWith(cause as ZeroTierException ?? new ZeroTierException(ZeroTierError.ConnectionAborted, message, cause), Ending.Reset);

    /// <summary>Completes an end of a pipe, from any thread. The blocks that are left go back to the pool; whatever that says, this end is over.</summary>
    internal void End(PipeReader reader, Exception? error = null)
    {
        try
        {
            reader.Complete(error);
        }
        catch (Exception e)
        {
            FaultLater(e);
        }
    }

    /// <inheritdoc cref="End(PipeReader, Exception?)"/>
    internal void End(PipeWriter writer, Exception? error = null)
    {
        try
        {
            writer.Complete(error);
        }
        catch (Exception e)
        {
            FaultLater(e);
        }
    }

    // Not at once: an end may be completed while the connection ends, and by the application's thread.
    private void FaultLater(Exception cause) => Connection.Abort(new ZeroTierException(ZeroTierError.ConnectionAborted, PoolFailed, cause));
}
