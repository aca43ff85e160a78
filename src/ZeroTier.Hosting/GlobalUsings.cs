// The namespaces of this project, so that each file imports only what comes from elsewhere.
global using ZeroTier.Hosting.Configuration;
global using ZeroTier.Hosting.Connections;
global using ZeroTier.Hosting.Live;
global using ZeroTier.Hosting.Node;
