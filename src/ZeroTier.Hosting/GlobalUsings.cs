// The levels of this project, so that each file names only what it takes from outside.
global using ZeroTier.Hosting.Configuration;
global using ZeroTier.Hosting.Connections;
global using ZeroTier.Hosting.Node;
