using System.IO.Pipelines;

namespace ZeroTier.Conformance;

/// <summary>Several tasks that write to one pipe at once, which the rules of a pipe forbid.</summary>
public static class ConcurrentWriters
{
    /// <summary>
    /// One of them. Nobody may read: then sooner or later two writers wait at once, which breaks the pipe for good. Before that they may
    /// only confuse each other.
    /// </summary>
    public static async Task WriteUntilBrokenAsync(PipeWriter output)
    {
        for (int failures = 0; failures < 5;)
        {
            try
            {
                if ((await output.WriteAsync(new byte[3000])).IsCompleted)
                {
                    return;
                }

                failures = 0;
            }
            catch (InvalidOperationException)
            {
                failures++;
            }
        }
    }
}
