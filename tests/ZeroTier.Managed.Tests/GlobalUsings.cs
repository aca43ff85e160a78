// What every layer of the engine shares.
global using ZeroTier.Managed.Net;
global using ZeroTier.Managed.Vl1.Control;
global using ZeroTier.Managed.Vl1.Limits;
global using ZeroTier.Managed.Vl1.Packets;
global using ZeroTier.Managed.Vl1.Paths;
global using ZeroTier.Managed.Vl1.Peers;
global using ZeroTier.Managed.Vl1.RootService;
