using System.Text.Json;
using ZeroTier.Managed.Crypto;
using ZeroTier.Managed.Tests.Crypto;
using ZeroTier.Managed.Tests.Identity;
using ZeroTier.Managed.Vl1;
using ZeroTier.Simulation;

namespace ZeroTier.Managed.Tests.Vl1.Armor;

public class SessionKeysTests
{
    public static TheoryData<bool> Portable() => AesGmacSivHardware.IsSupported ? [true, false] : [true];

    private static SessionKeys Keys(byte[] sessionKey, bool portable) =>
        portable ? SessionKeys.FromSessionKeyPortable(sessionKey) : SessionKeys.FromSessionKey(sessionKey);

    [Theory]
    [MemberData(nameof(Portable))]
    public void Arm_packets_of_the_reference_gives_the_same_bytes(bool portable)
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
    public void Try_open_packets_of_the_reference_gives_the_body(bool portable)
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

    [Theory]
    [MemberData(nameof(Portable))]
    public void Try_open_tampered_packets_of_the_reference_fails(bool portable)
    {
        foreach (JsonElement v in CryptoVectors.Section("packets"))
        {
            foreach (JsonElement tampered in v.GetProperty("tampered").EnumerateArray())
            {
                byte[] armored = v.Hex("armored"), sessionKey = v.Hex("session_key"), packet = armored;
                if (tampered.TryGetProperty("session_key", out _))
                {
                    sessionKey = tampered.Hex("session_key");
                }
                else if (tampered.TryGetProperty("append", out _))
                {
                    packet = [.. armored, .. tampered.Hex("append")];
                }
                else if (tampered.TryGetProperty("truncate_to", out _))
                {
                    packet = armored[..tampered.Number("truncate_to")];
                }
                else
                {
                    packet = tampered.Edited(armored);
                }

                using SessionKeys keys = Keys(sessionKey, portable);
                Assert.Equal(tampered.Flag("accepted"), keys.TryOpen(packet));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Portable))]
    public void Try_open_any_byte_changed_fails_but_for_the_hops(bool portable)
    {
        foreach (JsonElement v in CryptoVectors.Section("packets").Where(v => v.Number("size") <= 300))
        {
            using SessionKeys keys = Keys(v.Hex("session_key"), portable);
            byte[] armored = v.Hex("armored");
            for (int i = 0; i < armored.Length; i++)
            {
                byte[] packet = [.. armored];
                packet[i] ^= (byte)(i == 18 ? 0x08 << i % 5 : 1 << i % 8);
                Assert.False(keys.TryOpen(packet), $"{v.Text("name")} byte {i}");
            }

            for (int hops = 1; hops < 8; hops++)
            {
                byte[] packet = [.. armored];
                packet[18] ^= (byte)hops;
                Assert.True(keys.TryOpen(packet));
            }

            for (int bit = 3; bit < 8; bit++)
            {
                byte[] packet = [.. armored];
                packet[18] ^= (byte)(1 << bit);
                Assert.False(keys.TryOpen(packet), $"{v.Text("name")} flag bit {bit}");
            }
        }
    }

    [Fact]
    public void Try_open_trusted_path_packets_fails()
    {
        using SessionKeys keys = Keys(new byte[48], portable: false);
        foreach (JsonElement v in CryptoVectors.Section("trusted_path_packets"))
        {
            Assert.Equal(v.Flag("dearmor_accepts"), keys.TryOpen(v.Hex("armored")));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(27)]
    [InlineData(10025)]
    public void Size_out_of_range_is_refused(int size)
    {
        using SessionKeys keys = Keys(new byte[48], portable: false);
        Assert.False(keys.TryOpen(new byte[size]));
        Assert.Throws<ArgumentException>(() => keys.Arm(new byte[size], CipherSuite.Poly1305));
    }

    [Theory]
    [InlineData(CipherSuite.TrustedPath)]
    [InlineData((CipherSuite)4)]
    public void Arm_suite_without_armor_throws(object suite)
    {
        using SessionKeys keys = Keys(new byte[48], portable: false);
        Assert.Throws<ArgumentOutOfRangeException>(() => keys.Arm(new byte[28], (CipherSuite)suite));
    }

    [Fact]
    public void Arm_every_size_and_suite_opens_on_both_paths_and_on_the_other_side()
    {
        NodeIdentity a = NodeIdentityTests.Load(0), b = NodeIdentityTests.Load(1);
        using SessionKeys mine = SessionKeys.Agree(a, b)!, theirs = SessionKeys.Agree(b, a)!;
        var random = new Random(13);
        foreach (CipherSuite suite in (CipherSuite[])[CipherSuite.Poly1305, CipherSuite.Salsa20Poly1305, CipherSuite.AesGmacSiv])
        {
            for (int size = SessionKeys.MinimumPacketSize; size <= SessionKeys.MaximumPacketSize; size += size < 700 ? 1 : 601)
            {
                byte[] plain = new byte[size];
                random.NextBytes(plain);
                plain[18] = (byte)(random.Next(2) * 0x40 | random.Next(8));
                byte[] packet = [.. plain];
                mine.Arm(packet, suite);
                Assert.Equal(plain[18] & 0x40 | (int)suite << 3 | (suite == CipherSuite.Salsa20Poly1305 ? 0x80 : 0), packet[18]);
                Assert.Equal(suite != CipherSuite.AesGmacSiv, packet.AsSpan(0, 8).SequenceEqual(plain.AsSpan(0, 8)));
                Assert.True(theirs.TryOpen(packet));
                Assert.Equal(plain[27..], packet[27..]);
            }
        }
    }

    [Fact]
    public void Agree_key_agreements_of_the_reference_opens_their_packets()
    {
        // [packets] uses the session key of id0 and id1.
        using SessionKeys keys = SessionKeys.Agree(NodeIdentityTests.Load(0), NodeIdentityTests.Load(1))!;
        string sessionKey = CryptoVectors.Section("key_agreements").First().Text("session_key");
        int opened = 0;
        foreach (JsonElement v in CryptoVectors.Section("packets").Where(v => v.Text("session_key") == sessionKey))
        {
            Assert.True(keys.TryOpen(v.Hex("armored")));
            opened++;
        }

        Assert.NotEqual(0, opened);
    }

    [Fact]
    public void Agree_every_agreement_of_the_reference_has_its_session_key()
    {
        foreach (JsonElement v in CryptoVectors.Section("key_agreements").Concat(CryptoVectors.Section("key_agreement_edge_cases")))
        {
            byte[] publicA = new byte[64];
            ZeroTier.Managed.Crypto.X25519.PublicKey(v.Hex("private_key_a").AsSpan(0, 32), publicA);
            ZeroTier.Managed.Crypto.Ed25519.PublicKey(v.Hex("private_key_a").AsSpan(32), publicA.AsSpan(32));
            Assert.True(NodeIdentity.TryRead([1, 2, 3, 4, 5, 0, .. publicA, 64, .. v.Hex("private_key_a")], out NodeIdentity? mine, out _));
            Assert.True(NodeIdentity.TryRead([1, 2, 3, 4, 6, 0, .. v.Hex("public_key_b"), 0], out NodeIdentity? peer, out _));
            using SessionKeys? keys = SessionKeys.Agree(mine, peer);
            bool refused = v.TryGetProperty("standard_library_refuses", out JsonElement refuses) && refuses.GetBoolean();
            Assert.Equal(refused, keys is null);
            if (keys is not null)
            {
                using SessionKeys expected = SessionKeys.FromSessionKey(v.Hex("session_key"));
                byte[] one = new byte[60], two = new byte[60];
                keys.Arm(one, CipherSuite.Salsa20Poly1305);
                expected.Arm(two, CipherSuite.Salsa20Poly1305);
                Assert.Equal(two, one);
                keys.Arm(one, CipherSuite.AesGmacSiv);
                expected.Arm(two, CipherSuite.AesGmacSiv);
                Assert.Equal(two, one);
            }
        }
    }

    [Fact]
    public void Hello_packets_of_the_reference_are_made_and_opened()
    {
        foreach (JsonElement v in CryptoVectors.Section("hello_packets"))
        {
            using SessionKeys keys = SessionKeys.FromSessionKey(v.Hex("session_key"));
            int tail = v.Number("crypt_start");
            byte[] packet = v.Hex("plain");
            keys.CryptHelloTail(packet, tail);
            Assert.Equal(v.Hex("after_crypt_field"), packet);
            keys.Arm(packet, CipherSuite.Poly1305);
            Assert.Equal(v.Hex("armored"), packet);
            Assert.True(keys.TryOpen(packet));
            keys.CryptHelloTail(packet, tail);
            Assert.Equal(v.Hex("plain")[27..], packet[27..]);
            keys.CryptHelloTail(packet, packet.Length);
            foreach (JsonElement tampered in v.GetProperty("tampered").EnumerateArray())
            {
                Assert.Equal(tampered.Flag("accepted"), keys.TryOpen(tampered.Edited(v.Hex("armored"))));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Portable))]
    public void Captured_exchange_of_two_real_nodes_is_opened(bool portable)
    {
        JsonElement capture = CryptoVectors.Root("captured_exchange");
        using SessionKeys keys = Keys(capture.Hex("session_key"), portable);
        foreach (JsonElement v in capture.GetProperty("packets").EnumerateArray())
        {
            byte[] packet = v.Hex("armored");
            Assert.Equal(v.Flag("accepted"), keys.TryOpen(packet));
            Assert.Equal(v.Number("suite"), packet[18] >> 3 & 7);
            Assert.Equal(v.Number("verb"), packet[27] & 0x1f);
            Assert.Equal(v.Text("payload_plain"), Convert.ToHexStringLower(packet.AsSpan(27)));
            if (v.Flag("compressed"))
            {
                // It asks for the configuration of the network this controller holds: the network ID comes first.
                byte[] payload = new byte[9996];
                Assert.True(Lz4Block.TryDecode(packet.AsSpan(28), payload, out int written));
                Assert.InRange(written, packet.Length - 28, payload.Length);
                Assert.Equal("d8fdbfc000000001", Convert.ToHexStringLower(payload.AsSpan(0, 8)));
            }

            if (v.Number("suite") == 0)
            {
                // The tail of a HELLO from the moon count on. Before it: verb, 13 fixed bytes, identity, endpoint, planet ID and timestamp.
                int endpoint = 28 + 13 + NodeIdentity.BinarySize;
                int tail = endpoint + (packet[endpoint] switch { 4 => 7, 6 => 19, _ => 1 }) + 16;
                keys.CryptHelloTail(packet, tail);
                Assert.Equal("0000", Convert.ToHexStringLower(packet.AsSpan(tail)));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Portable))]
    public async Task Arm_and_open_many_threads_at_once_give_whole_packets(bool portable)
    {
        using SessionKeys keys = Keys(new byte[48], portable);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            var random = new Random(thread);
            for (int round = 0; round < 500; round++)
            {
                byte[] plain = new byte[random.Next(28, 1500)];
                random.NextBytes(plain);
                byte[] packet = [.. plain];
                keys.Arm(packet, (CipherSuite)(round % 2 == 0 ? 3 : 1));
                Assert.True(keys.TryOpen(packet));
                Assert.Equal(plain[27..], packet[27..]);
            }
        }, TestContext.Current.CancellationToken)));
    }

    [Theory]
    [MemberData(nameof(Portable))]
    public void Arm_and_open_steady_state_allocates_nothing(bool portable)
    {
        using SessionKeys keys = Keys(new byte[48], portable);
        byte[] packet = new byte[1400];
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int round = 0; round < 100; round++)
            {
                for (byte suite = 0; suite <= 3; suite = (byte)(suite == 1 ? 3 : suite + 1))
                {
                    keys.Arm(packet, (CipherSuite)suite);
                    keys.TryOpen(packet);
                }
            }
        }));
    }

    [Fact]
    public void Dispose_used_afterwards_neither_arms_nor_opens()
    {
        SessionKeys keys = Keys(new byte[48], portable: false);
        byte[] packet = new byte[100];
        keys.Arm(packet, CipherSuite.AesGmacSiv);
        keys.Dispose();
        keys.Dispose();
        Assert.False(keys.TryOpen(packet));
        Assert.Throws<ObjectDisposedException>(() => keys.Arm(packet, CipherSuite.AesGmacSiv));
    }

    [Fact]
    public void Constants_are_those_of_the_reference()
    {
        JsonElement constants = CryptoVectors.Root("constants");
        Assert.Equal(SessionKeys.SessionKeySize, constants.Number("session_key_length"));
        Assert.Equal(SessionKeys.MinimumPacketSize, constants.Number("min_packet_length"));
        Assert.Equal(SessionKeys.MaximumPacketSize, constants.Number("max_packet_length"));
    }
}
