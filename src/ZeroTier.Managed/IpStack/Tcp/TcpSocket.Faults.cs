using System.IO.Pipelines;

namespace ZeroTier.Managed.IpStack.Tcp;

/// <content>
/// The far ends of the pipes are the application's. Its memory pool may throw; and a pipe that is used against its rules completes our end as well, at any moment:
/// two writes that wait at once complete the reader that takes them. So every call of a pipe may throw, whatever was known of it a line before. Each such exception
/// ends this connection with a reset, and is not seen by the thread that was at work, which may serve all others.
/// </content>
internal sealed partial class TcpSocket
{
    // The first reason wins: nothing happens to a connection that has ended already.
    private void Fault(string message, Exception cause)
    {
        lock (_gate)
        {
            _connection.Abort(cause as TcpException ?? new TcpException(TcpError.ConnectionAborted, message, cause));
        }
    }

    // The blocks that are left go back to the pool. Whatever that says, this end is over.
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

    // Nothing of the application's is left that could throw: an error of the stack, or of what carries its packets. The connection ends without a last word.
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
