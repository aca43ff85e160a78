namespace ZeroTier.Managed.IpStack.Tcp;

/// <summary>Comparison of sequence numbers modulo 2^32 (RFC 9293, 3.4). Correct for distances below 2^31.</summary>
internal static class Sequence
{
    public static bool IsBefore(uint left, uint right) => (int)(left - right) < 0;

    public static bool IsAfter(uint left, uint right) => (int)(left - right) > 0;

    public static uint Max(uint left, uint right) => IsAfter(left, right) ? left : right;

    public static uint Min(uint left, uint right) => IsBefore(left, right) ? left : right;
}
