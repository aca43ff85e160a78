// What every layer of the engine shares.
global using ZeroTier.Managed.Net;
