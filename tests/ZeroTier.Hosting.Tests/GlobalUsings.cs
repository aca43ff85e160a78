global using ZeroTier.Hosting.Configuration;
global using ZeroTier.Hosting.Connections;
global using ZeroTier.Hosting.Node;
