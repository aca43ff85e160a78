using System.Text;

namespace ZeroTier.Controller.AspNetCore.Tests;

/// <summary>Bodies with bytes changed, put in, cut out and doubled, and ends of other bodies.</summary>
internal static class Mutation
{
    private static readonly string[] Words =
        ["\\ud800", "null", "-1", "18446744073709551615", "1e999", "\"\\ud800\":0", "[[[[[[[[", "{\"\":", "\"a\\u0000b\"", "4294967296",
        "\"::1/129\"", "0.5",
            "true"];

    public static byte[] Of(byte[] body, byte[][] bodies, Random random)
    {
        for (int n = random.Next(1, 5); n > 0 && body.Length > 0; n--)
        {
            int at = random.Next(body.Length), length = random.Next(body.Length - at + 1);
            byte[] other = bodies[random.Next(bodies.Length)];
            body = random.Next(6) switch
            {
                0 => [.. body[..at], (byte)random.Next(256), .. body[(at + 1)..]],
                1 => [.. body[..at], (byte)"\"\\{}[]:,0-9eE.tfnu"[random.Next(18)], .. body[at..]],
                2 => [.. body[..at], .. body[(at + length)..]],
                3 => [.. body[..(at + length)], .. body[at..]],
                4 => [.. body[..at], .. other[random.Next(other.Length)..]],
                _ => [.. body[..at], .. Encoding.ASCII.GetBytes(Words[random.Next(Words.Length)]), .. body[at..]],
            };
        }

        return body;
    }
}
