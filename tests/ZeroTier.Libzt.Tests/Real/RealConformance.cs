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
