namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>The states of RFC 9293, 3.3.2.</summary>
/// <remarks>
/// <code>
///            listener gets SYN                application connects
///                   |                                  |
///                   v                                  v
///             SynReceived  ◄───── SYN, no ACK ───── SynSent
///                   |                                  |
///          ACK of our SYN                        SYN and ACK
///                   └───────────► Established ◄────────┘
///                                  |       |
///                   we close, FIN  |       |  peer's FIN
///                                  v       v
///   ┌──── peer's FIN ─────── FinWait1     CloseWait
///   v                              |       |
/// Closing               ACK of FIN |       |  we close, FIN
///   |                              v       v
///   |ACK of FIN              FinWait2     LastAck
///   |                              |       |
///   v           peer's FIN         |       |  ACK of FIN
/// TimeWait ◄───────────────────────┘       └──────────► Closed
/// </code>
/// LISTEN is the listener itself. TimeWait is the last state of a connection object: the time-wait table answers from then on.
/// RST, a timeout or an abort lead from any state to Closed. "we close" is <see cref="TcpConnection.Close"/>, called by the socket; the
/// other transitions are caused by received segments.
/// </remarks>
internal enum TcpState
{
    Closed,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    Closing,
    CloseWait,
    LastAck,
    TimeWait,
}
