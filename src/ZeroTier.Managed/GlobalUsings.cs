// Shared by all layers.
global using ZeroTier.Managed.Net;

// The namespaces of VL1, the peer-to-peer layer, which the other layers use as one.
global using ZeroTier.Managed.Vl1.Control;
global using ZeroTier.Managed.Vl1.Limits;
global using ZeroTier.Managed.Vl1.Packets;
global using ZeroTier.Managed.Vl1.Paths;
global using ZeroTier.Managed.Vl1.Peers;
