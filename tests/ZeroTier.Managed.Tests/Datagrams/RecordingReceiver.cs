using System.Text;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Datagrams;

/// <summary>Notes what arrives, in one line per datagram and a bar per batch.</summary>
internal sealed class RecordingReceiver(VirtualClock clock) : IDatagramReceiver
{
    public List<string> Lines { get; } = [];

    public List<InetEndPoint> Sources { get; } = [];

    public IEnumerable<string> Texts => Lines.Where(l => l != "|").Select(l => l[(l.IndexOf(' ', StringComparison.Ordinal) + 1)..]);

    public Action<InetEndPoint>? Answer { get; set; }

    public void OnDatagram(int socket, in InetEndPoint source, Span<byte> datagram)
    {
        Lines.Add($"{clock.Elapsed.TotalMilliseconds:0.###} {Encoding.ASCII.GetString(datagram)}");
        Sources.Add(source);
        Answer?.Invoke(source);
    }

    public void OnBatchEnd(int socket) => Lines.Add("|");
}
