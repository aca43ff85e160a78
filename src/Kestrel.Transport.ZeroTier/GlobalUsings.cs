// The levels of this project, so that each file names only what it takes from outside.
global using Kestrel.Transport.ZeroTier.Configuration;
global using Kestrel.Transport.ZeroTier.Connections;
global using Kestrel.Transport.ZeroTier.Hosting;
global using Kestrel.Transport.ZeroTier.Listening;
