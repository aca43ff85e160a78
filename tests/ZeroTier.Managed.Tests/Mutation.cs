using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests;

/// <summary>Damages data, the same way for the same seed.</summary>
internal static class Mutation
{
    /// <summary>A copy with up to three changes: bits, bytes, cut off, or doubled in part.</summary>
    public static byte[] Of(byte[] original, SeededRandom random)
    {
        byte[] data = [.. original];
        for (int changes = random.Next(4); changes > 0 && data.Length > 0; changes--)
        {
            int at = random.Next(data.Length);
            switch (random.Next(5))
            {
                case 0:
                    data[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    data[at] = (byte)random.Next(256);
                    break;
                case 2:
                    data = data[..at];
                    break;
                case 3:
                    data = [.. data, .. data[at..]];
                    break;
                default:
                    data[at] = random.Next(2) == 0 ? (byte)0xff : (byte)0;
                    break;
            }
        }

        return data;
    }
}
