using ZeroTier.Conformance;

namespace ZeroTier.Managed.Tests.Conformance;

public sealed class ManagedLifeCycleTests : LifeCycleConformance<ManagedEngine>;

public sealed class ManagedNetworkTests : NetworkConformance<ManagedEngine>;

public sealed class ManagedEventTests : EventConformance<ManagedEngine>;

public sealed class ManagedConnectionTests : ConnectionConformance<ManagedEngine>;

public sealed class ManagedDatagramTests : DatagramConformance<ManagedEngine>;

public sealed class ManagedStreamTests : EngineStreamConformance<ManagedEngine>;

public sealed class ManagedFaultTests : FaultConformance<ManagedEngine>;

public sealed class ManagedIPv4ConnectionTests : ConnectionConformance<ManagedIPv4Engine>;

public sealed class ManagedIPv4DatagramTests : DatagramConformance<ManagedIPv4Engine>;

public sealed class ManagedIPv4StreamTests : EngineStreamConformance<ManagedIPv4Engine>;
