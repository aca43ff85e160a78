namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>The type of a packet: the low five bits of byte 27 (docs/protocol/2-vl1.md 2.6).</summary>
internal enum Verb : byte
{
    /// <summary>Nothing.</summary>
    Nop = 0x00,

    /// <summary>Identity, version and clock of the sender.</summary>
    Hello = 0x01,

    /// <summary>A request failed.</summary>
    Error = 0x02,

    /// <summary>A request succeeded.</summary>
    Ok = 0x03,

    /// <summary>Asks for the identities of addresses.</summary>
    Whois = 0x04,

    /// <summary>A root names an endpoint of another peer.</summary>
    Rendezvous = 0x05,

    /// <summary>An Ethernet frame between the nodes' own MAC addresses.</summary>
    Frame = 0x06,

    /// <summary>An Ethernet frame with MAC addresses.</summary>
    ExtFrame = 0x07,

    /// <summary>Asks the receiver to return the payload.</summary>
    Echo = 0x08,

    /// <summary>The sender's multicast subscriptions.</summary>
    MulticastLike = 0x09,

    /// <summary>Signed credentials, such as the sender's certificate of membership.</summary>
    NetworkCredentials = 0x0a,

    /// <summary>Asks a controller for a network's configuration.</summary>
    NetworkConfigRequest = 0x0b,

    /// <summary>A network's configuration, pushed by its controller.</summary>
    NetworkConfig = 0x0c,

    /// <summary>Asks for members of a multicast group.</summary>
    MulticastGather = 0x0d,

    /// <summary>An Ethernet frame to a multicast group.</summary>
    MulticastFrame = 0x0e,

    /// <summary>The sender's physical endpoints.</summary>
    PushDirectPaths = 0x10,

    /// <summary>Link bonding, ignored.</summary>
    Ack = 0x12,

    /// <summary>Link bonding, ignored.</summary>
    QosMeasurement = 0x13,

    /// <summary>Bytes between applications.</summary>
    UserMessage = 0x14,

    /// <summary>Diagnostics, ignored.</summary>
    RemoteTrace = 0x15,

    /// <summary>Link bonding, ignored.</summary>
    PathNegotiationRequest = 0x16,
}

/// <summary>Codes of ERROR (2.6.3).</summary>
internal enum ErrorCode : byte
{
    /// <summary>The request is malformed.</summary>
    InvalidRequest = 1,

    /// <summary>The protocol version is not supported.</summary>
    BadProtocolVersion = 2,

    /// <summary>No such network.</summary>
    ObjectNotFound = 3,

    /// <summary>Another identity holds the sender's address.</summary>
    IdentityCollision = 4,

    /// <summary>The node does not support the operation, for example because it is not a controller.</summary>
    UnsupportedOperation = 5,

    /// <summary>The sender's certificate of membership is missing.</summary>
    NeedMembershipCertificate = 6,

    /// <summary>The controller does not authorize the member.</summary>
    AccessDenied = 7,

    /// <summary>The group is not subscribed here.</summary>
    UnwantedMulticast = 8,

    /// <summary>The controller requires single sign-on.</summary>
    AuthenticationRequired = 9,
}
