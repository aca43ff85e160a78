// The levels of this project, and those of the node's host below it, so that each file names only what it takes from outside.
global using Kestrel.Transport.ZeroTier.Configuration;
global using Kestrel.Transport.ZeroTier.Connections;
global using Kestrel.Transport.ZeroTier.Hosting;
global using Kestrel.Transport.ZeroTier.Listening;
global using ZeroTier.Hosting;
global using ZeroTier.Hosting.Configuration;
global using ZeroTier.Hosting.Connections;
global using ZeroTier.Hosting.Node;
