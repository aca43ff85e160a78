using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>
/// Handling of exceptions from the pipes. The application owns their other ends: its memory pool may throw, and misuse of a pipe can
/// complete our end at any moment (two concurrent writes complete the reader, for example). So every pipe call may throw, even one that
/// was checked before. Such an exception resets this connection and must not reach the thread, which may serve all others.
/// </content>
internal sealed partial class TcpSocket
{
    // Resets the connection. No effect on one that has already ended.
    private void Fault(string message, Exception cause)
    {
        lock (_gate)
        {
            _connection.Abort(cause as TcpException ?? new TcpException(TcpError.ConnectionAborted, message, cause));
        }
    }

    // Completes our end of a pipe, which returns its blocks to the pool. If the pool throws, the connection is reset.
    private void End(PipeReader reader, Exception? error = null)
    {
        try
        {
            reader.Complete(error);
        }
        catch (Exception e)
        {
            Fault(PoolFailed, e);
        }
    }

    private void End(PipeWriter writer, Exception? error = null)
    {
        try
        {
            writer.Complete(error);
        }
        catch (Exception e)
        {
            Fault(PoolFailed, e);
        }
    }

    private const string PoolFailed = "The memory pool failed to take blocks back.";

    // Exceptions of application code are handled elsewhere, so this is an error of the stack or the link. The connection ends, without
    // sending its RST.
    private void FailUnexpectedly(Exception cause, in TcpLayer.TransmissionBatch batch)
    {
        _layer.Statistics.Add(TcpCounter.UnexpectedErrors);
        Fault("An unexpected error at this end ended the connection.", cause);
        try
        {
            DrainInput();
            DrainOutput(batch);
            AnnounceEnd(batch.Now);
        }
        catch (Exception)
        {
            _layer.Remove(this);
        }
    }
}
