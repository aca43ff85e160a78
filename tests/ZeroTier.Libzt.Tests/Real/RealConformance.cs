using ZeroTier.Conformance;

namespace ZeroTier.Libzt.Tests.Real;

/// <summary>libzt runs one node per process, so these tests run one after the other.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RealLibraryCollection
{
    public const string Name = "real libzt";
}

[Collection(RealLibraryCollection.Name)]
public sealed class RealServerLifeCycleTests : LifeCycleConformance<LibztServes>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealServerNetworkTests : NetworkConformance<LibztServes>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealServerEventTests : EventConformance<LibztServes>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealServerConnectionTests : ConnectionConformance<LibztServes>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealServerDatagramTests : DatagramConformance<LibztServes>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealClientConnectionTests : ConnectionConformance<LibztConnects>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealClientDatagramTests : DatagramConformance<LibztConnects>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealServerIPv4ConnectionTests : ConnectionConformance<LibztServesIPv4>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealServerIPv4DatagramTests : DatagramConformance<LibztServesIPv4>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealClientIPv4ConnectionTests : ConnectionConformance<LibztConnectsIPv4>;

[Collection(RealLibraryCollection.Name)]
public sealed class RealClientIPv4DatagramTests : DatagramConformance<LibztConnectsIPv4>;
