// The namespaces of this project and of ZeroTier.Hosting beneath it, so that each file imports only what comes from elsewhere.
global using Kestrel.Transport.ZeroTier.Access;
global using Kestrel.Transport.ZeroTier.Configuration;
global using Kestrel.Transport.ZeroTier.Connections;
global using Kestrel.Transport.ZeroTier.Hosting;
global using Kestrel.Transport.ZeroTier.Listening;
global using ZeroTier.Hosting;
global using ZeroTier.Hosting.Configuration;
global using ZeroTier.Hosting.Connections;
global using ZeroTier.Hosting.Node;
