// What every layer shares.
global using ZeroTier.Managed.Net;
