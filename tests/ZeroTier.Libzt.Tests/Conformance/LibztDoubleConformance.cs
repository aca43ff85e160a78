using ZeroTier.Conformance;

namespace ZeroTier.Libzt.Tests.Conformance;

public sealed class LibztLifeCycleTests : LifeCycleConformance<LibztDoubleEngine>;

public sealed class LibztNetworkTests : NetworkConformance<LibztDoubleEngine>;

public sealed class LibztEventTests : EventConformance<LibztDoubleEngine>;

public sealed class LibztConnectionTests : ConnectionConformance<LibztDoubleEngine>;

public sealed class LibztDatagramTests : DatagramConformance<LibztDoubleEngine>;

public sealed class LibztStreamTests : EngineStreamConformance<LibztDoubleEngine>;

public sealed class LibztFaultTests : FaultConformance<LibztDoubleEngine>;

public sealed class LibztIPv4ConnectionTests : ConnectionConformance<LibztDoubleIPv4Engine>;

public sealed class LibztIPv4DatagramTests : DatagramConformance<LibztDoubleIPv4Engine>;

public sealed class LibztIPv4StreamTests : EngineStreamConformance<LibztDoubleIPv4Engine>;
