using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1;

/// <summary>Whose word counts when the table is full.</summary>
public class ExternalAddressReportsTests
{
    [Fact]
    public void A_root_displaces_a_peer_and_never_another_root()
    {
        var reports = new ExternalAddressReports();
        InetEndPoint ofRoot = Vl1Simulation.EndPoint("10.9.0.1"), ofOtherRoot = Vl1Simulation.EndPoint("10.9.0.2");
        reports.Add(new NodeId(1), isUpstream: true, 0, Reporter(1), ofRoot, 0, allowLoopback: false);
        for (uint i = 2; i <= Vl1Limits.ExternalAddressReports; i++)
        {
            reports.Add(new NodeId(i), isUpstream: false, 0, Reporter(i), Vl1Simulation.EndPoint("10.8.0.1"), 0, allowLoopback: false);
        }

        reports.Add(new NodeId(5000), isUpstream: false, 0, Reporter(5000), Vl1Simulation.EndPoint("10.7.0.1"), 0, allowLoopback: false);
        reports.Add(new NodeId(5001), isUpstream: true, 0, Reporter(5001), ofOtherRoot, 0, allowLoopback: false);

        Assert.Equal(Vl1Limits.ExternalAddressReports, reports.Count);
        var known = new List<InetEndPoint>();
        reports.AddTo(known, 10);
        Assert.Equal(
            [ofRoot, Vl1Simulation.EndPoint("10.8.0.1"), ofOtherRoot], known.OrderBy(e => e == ofRoot ? 0 : e == ofOtherRoot ? 2 : 1));
    }

    private static InetEndPoint Reporter(uint i) => Vl1Simulation.EndPoint($"10.1.{i / 250}.{1 + i % 250}");
}
