using System.Security.Cryptography;
using ZeroTier.Managed.Tests.Vl1;
using ZeroTier.Managed.Vl1;
using ZeroTier.Managed.Vl1.Admission;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Simulation;

/// <summary>One root in virtual time, with its clients. What it does is counted.</summary>
internal sealed class CrowdedRoot : IDisposable
{
    private static readonly NodeIdentity s_identity = TestIdentities.All[1];
    private static readonly TimeSpan s_agreementCost = TimeSpan.FromMicroseconds(100);
    private readonly SimulatedNode _node;
    private int _clients;

    public CrowdedRoot()
    {
        Planet = Planet.Create(4711, Net.Clock.GetUtcNow(), [new PlanetRoot(s_identity, [EndPoint])], Net.SigningKey);
        var host = Net.Network.AddHost("root", "10.0.0.1");
        host.ReceiveBufferBytes = int.MaxValue;
        _node = Net.Add(s_identity, Planet, host, node => node.Checks = Checks);
    }

    /// <summary>The time that the check of a proof of work takes.</summary>
    public static TimeSpan ProofCost { get; } = TimeSpan.FromMilliseconds(5);

    public static InetEndPoint EndPoint { get; } = Vl1Simulation.EndPoint("10.0.0.1");

    public Vl1Simulation Net { get; } = new();

    public Planet Planet { get; }

    public NodeId Id => s_identity.Address;

    public Vl1Node Node => _node.Node;

    /// <summary>The keys that each client shares with the root.</summary>
    public SessionKeys Keys { get; } = SessionKeys.FromSessionKey(ClientChecks.SharedKey);

    public ClientChecks Checks { get; } = new();

    /// <summary>A client with a new address.</summary>
    public RootClient AddClient() => new(this, _clients++);

    /// <summary>Ends, and starts again with this peer cache.</summary>
    public void Restart(IReadOnlyList<KnownPeer> known)
    {
        _node.Known = known;
        _node.Stop();
        Net.Advance(2);
        _node.Start();
    }

    public void Dispose()
    {
        Net.Dispose();
        Keys.Dispose();
    }

    /// <summary>Every identity is valid, for as long as a real check takes; keys are those of all clients.</summary>
    internal sealed class ClientChecks : IdentityChecks
    {
        /// <summary>All clients have the key of the first test identity.</summary>
        public static byte[] SharedKey { get; } = Agree();

        public int Agreements { get; private set; }

        public int Proofs { get; private set; }

        public override SessionKeys? Agree(NodeIdentity self, NodeIdentity other)
        {
            Agreements++;
            return SessionKeys.FromSessionKey(SharedKey);
        }

        public override bool IsValid(NodeIdentity identity)
        {
            Proofs++;
            return true;
        }

        public override TimeSpan CostOf(IdentityCheck check, TimeSpan measured) =>
            check == IdentityCheck.Agreement ? s_agreementCost : ProofCost;

        private static byte[] Agree()
        {
            Span<byte> secret = stackalloc byte[32];
            Assert.True(s_identity.TryAgree(TestIdentities.All[0], secret));
            return SHA512.HashData(secret)[..SessionKeys.SessionKeySize];
        }
    }
}
