using System.Text.Json;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.Identity;
using ZeroTier.Managed.Tests.Crypto;
using ZeroTier.Managed.Vl1;

namespace ZeroTier.Managed.Tests.Vl1.Armor;

public class SessionKeysTests
{
    public static TheoryData<bool> Portable() => AesGmacSivHardware.IsSupported ? [true, false] : [true];

    private static SessionKeys Keys(byte[] sessionKey, bool portable) =>
        portable ? SessionKeys.FromSessionKeyPortable(sessionKey) : SessionKeys.FromSessionKey(sessionKey);

    [Theory]
    [MemberData(nameof(Portable))]
    public void Arm_PacketsOfTheReference_GivesTheSameBytes(bool portable)
    {
        foreach (JsonElement v in CryptoVectors.Section("packets"))
        {
            using SessionKeys keys = Keys(v.Hex("session_key"), portable);
            byte[] packet = v.Hex("plain");
            keys.Arm(packet, (CipherSuite)v.Number("suite"));
            Assert.Equal(v.Text("armored"), Convert.ToHexStringLower(packet));
        }
    }

    [Theory]
    [MemberData(nameof(Portable))]
    public void TryOpen_PacketsOfTheReference_GivesTheBody(bool portable)
    {
        foreach (JsonElement v in CryptoVectors.Section("packets"))
        {
            using SessionKeys keys = Keys(v.Hex("session_key"), portable);
            byte[] armored = v.Hex("armored");
            byte[] packet = [.. armored];
            Assert.True(keys.TryOpen(packet), v.Text("name"));
            Assert.Equal(v.Hex("plain")[27..], packet[27..]);
            Assert.Equal(armored[..27], packet[..27]);
            foreach (JsonElement tolerated in v.GetProperty("tolerated").EnumerateArray())
            {
                byte[] changed = tolerated.Edited(armored);
                Assert.True(keys.TryOpen(changed), tolerated.Text("name"));
                Assert.Equal(v.Hex("plain")[27..], changed[27..]);
            }
        }
    }
}
