using System.IO.Pipelines;

namespace ZeroTier.Libzt.Sockets;

/// <content>
/// The application owns the other ends of the pipes: its memory pool may throw, and misuse of a pipe can complete our end at any moment.
/// Such an exception resets this connection; the loop goes on serving all others. </content>
internal sealed partial class StreamSocket
{
    private const string PoolFailed = "The memory pool failed to take blocks back.";

    /// <summary>Resets the connection because of a fault at this end.</summary>
    internal void Fault(string message, Exception cause) =>
        EndWith(cause as ZeroTierException ?? new ZeroTierException(ZeroTierError.ConnectionAborted, message, cause), Ending.Reset);

    /// <summary>
    /// Completes an end of a pipe, on any thread, which returns the remaining blocks to the pool. An exception of the pool aborts the
    /// connection later.
    /// </summary>
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

    // Not at once: this may be called while the connection is ending, or on the application's thread.
    private void FaultLater(Exception cause) => Connection.Abort(new ZeroTierException(ZeroTierError.ConnectionAborted, PoolFailed, cause));
}
