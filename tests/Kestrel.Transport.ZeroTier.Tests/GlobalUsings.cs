global using Kestrel.Transport.ZeroTier.Configuration;
global using Kestrel.Transport.ZeroTier.Connections;
global using Kestrel.Transport.ZeroTier.Hosting;
global using Kestrel.Transport.ZeroTier.Listening;
global using Kestrel.Transport.ZeroTier.Tests.Fakes;
