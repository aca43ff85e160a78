namespace ZeroTier.Managed.Vl1.Packets;

/// <summary>What a peer announced in HELLO or OK(HELLO); protocol 0 = nothing yet.</summary>
internal readonly record struct PeerVersion(byte Protocol, byte Major, byte Minor, ushort Revision)
{
    /// <summary>What we announce (2.7).</summary>
    public static PeerVersion Ours { get; } = new(12, 1, 12, 0);

    /// <summary>The oldest protocol that is accepted.</summary>
    public const byte MinProtocol = 4;

    /// <summary>Whether it announced anything.</summary>
    public bool IsKnown => Protocol != 0;

    /// <summary>Whether it reads suite 3.</summary>
    public bool SpeaksAes => Protocol >= 12;

    /// <summary>Whether it answers ECHO: from protocol 5 on, but not software 1.1.0 (2.6.8).</summary>
    public bool AnswersEcho => Protocol >= 5 && (Major, Minor, Revision) != (1, 1, 0);
}
