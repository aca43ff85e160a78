namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>The versions that a peer announced in HELLO or OK(HELLO); protocol 0 when it has announced none yet.</summary>
internal readonly record struct PeerVersion(byte Protocol, byte Major, byte Minor, ushort Revision)
{
    /// <summary>The versions that we announce (docs/protocol/2-vl1.md 2.7).</summary>
    public static PeerVersion Ours { get; } = new(12, 1, 12, 0);

    /// <summary>The oldest protocol that is accepted.</summary>
    public const byte MinProtocol = 4;

    /// <summary>Whether the peer has announced its version.</summary>
    public bool IsKnown => Protocol != 0;

    /// <summary>Whether it supports cipher suite 3, AES-GMAC-SIV.</summary>
    public bool SpeaksAes => Protocol >= 12;

    /// <summary>Whether it answers ECHO: from protocol 5 on, but not software 1.1.0 (2.6.8).</summary>
    public bool AnswersEcho => Protocol >= 5 && (Major, Minor, Revision) != (1, 1, 0);
}
