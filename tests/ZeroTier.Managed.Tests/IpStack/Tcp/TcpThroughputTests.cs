using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using ZeroTier.Managed.IpStack.Tcp;

namespace ZeroTier.Managed.Tests.IpStack.Tcp;

/// <summary>Throughput under loss as a text: a regression is a difference. ZT_UPDATE_SNAPSHOTS=1 writes the file anew.</summary>
public sealed class TcpThroughputTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(5);

    [Fact]
    public void Throughput_under_loss_is_as_in_the_snapshot()
    {
        string path = SnapshotPath();
        string table = MakeTable();
        if (Environment.GetEnvironmentVariable("ZT_UPDATE_SNAPSHOTS") == "1")
        {
            File.WriteAllText(path, table);
        }

        Assert.Equal(File.ReadAllText(path), table);
    }

    private static string MakeTable()
    {
        var table = new StringBuilder();
        table.Append("KiB per virtual second, one download of 5 s, window 1 MiB, bottleneck 5 MB/s with a queue of 256 KiB.\n");
        table.Append("Changing a number is a conscious commit: ZT_UPDATE_SNAPSHOTS=1 writes this file anew.\n\n");
        table.Append("  RTT  loss %      SACK   no SACK   SACK, 20 % reordered\n");
        foreach (int roundTrip in (int[])[10, 100])
        {
            foreach (double loss in (double[])[0, 0.1, 1, 3, 10, 30])
            {
                table.Append(CultureInfo.InvariantCulture, $"{roundTrip,5}  {loss,6:0.0}  {Measure(roundTrip, loss, true, 0),8}");
                table.Append(
                    CultureInfo.InvariantCulture, $"  {Measure(roundTrip, loss, false, 0),8}  {Measure(roundTrip, loss, true, 0.2),8}\n");
            }
        }

        return table.ToString();
    }

    private static long Measure(int roundTrip, double loss, bool sack, double reorder)
    {
        using var pair = new TcpPair(seed: 5);
        (TcpSocket client, TcpSocket server) = pair.Connect(TcpPair.Options with { SelectiveAck = sack });
        pair.Link.IsTraced = false;
        pair.Link.Conditions.Delay = TimeSpan.FromMilliseconds(roundTrip / 2.0);
        pair.Link.Conditions.Loss = loss / 100;
        pair.Link.Conditions.Reorder = reorder;
        pair.Link.Conditions.Bandwidth = 5_000_000;
        _ = SendAsync(server.Output);
        long received = 0;
        _ = ReceiveAsync(client.Input);
        pair.Clock.Advance(Duration);
        return (long)(received / Duration.TotalSeconds / 1024);

        static async Task SendAsync(PipeWriter writer)
        {
            do
            {
                writer.Advance(writer.GetMemory(4096).Length);
            }
            while (!(await writer.FlushAsync()).IsCompleted);
        }

        async Task ReceiveAsync(PipeReader reader)
        {
            try
            {
                while (true)
                {
                    ReadResult result = await reader.ReadAsync();
                    received += result.Buffer.Length;
                    reader.AdvanceTo(result.Buffer.End);
                }
            }
            catch (TcpException)
            {
                // The stack is stopped at the end.
            }
        }
    }

    private static string SnapshotPath([CallerFilePath] string file = "") =>
        Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "Snapshots", "tcp-throughput.txt");
}
