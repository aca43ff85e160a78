// What every layer shares.
global using ZeroTier.Managed.Net;

// The folders of the peer-to-peer layer, which the layers above see as one.
global using ZeroTier.Managed.Vl1.Control;
global using ZeroTier.Managed.Vl1.Limits;
global using ZeroTier.Managed.Vl1.Packets;
global using ZeroTier.Managed.Vl1.Paths;
global using ZeroTier.Managed.Vl1.Peers;
