namespace ZeroTier.Managed;

/// <summary>Why a controller refuses a configuration. The values are those on the wire (docs/protocol/3-vl2.md 3.3.3).</summary>
public enum ControllerRefusal
{
    /// <summary>There is no such network.</summary>
    NotFound = 0x03,

    /// <summary>The node is not an authorized member.</summary>
    AccessDenied = 0x07,

    /// <summary>The node's user must log in first.</summary>
    AuthenticationRequired = 0x09,
}
