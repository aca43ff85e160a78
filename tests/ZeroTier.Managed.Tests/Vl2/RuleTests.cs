using System.Text.Json;
using ZeroTier.Managed.Vl2;
using ZeroTier.Managed.Vl2.Configuration;
using ZeroTier.Managed.Vl2.Credentials;
using ZeroTier.Managed.Vl2.Membership;
using ZeroTier.Managed.Vl2.Rules;

namespace ZeroTier.Managed.Tests.Vl2;

/// <summary>Rule tables and their evaluation, against the filter of real nodes.</summary>
public class RuleTests
{
    [Fact]
    public void Tables_are_read_and_written_as_real_nodes_do()
    {
        foreach (JsonElement vector in Vl2Vectors.Section("rule_encodings"))
        {
            byte[] binary = vector.Hex("binary");
            Assert.True(RuleTable.TryRead(binary, RuleTable.MaxRules, out RuleTable? table), Vl2Vectors.Name(vector));
            Assert.True(vector.GetProperty("real_parse_count").GetInt32() == table.Rules.Length, Vl2Vectors.Name(vector));
            byte[] written = new byte[table.EncodedLength];
            Assert.Equal(written.Length, table.Write(written));
            if (!Vl2Vectors.Name(vector).StartsWith("parse:", StringComparison.Ordinal))
            {
                Assert.Equal(Convert.ToHexStringLower(binary), Convert.ToHexStringLower(written));
            }

            JsonElement[] decoded = [.. vector.GetProperty("decoded").EnumerateArray()];
            for (int i = 0; i < decoded.Length; i++)
            {
                Assert.Equal(decoded[i].GetProperty("type_id").GetInt32(), (int)table.Rules[i].Type);
                Assert.Equal(decoded[i].GetProperty("not").GetBoolean(), table.Rules[i].IsNegated);
                Assert.Equal(decoded[i].GetProperty("or").GetBoolean(), table.Rules[i].IsAlternative);
            }

            for (int length = 1; length < binary.Length; length++)
            {
                RuleTable.TryRead(binary.AsSpan(0, length), RuleTable.MaxRules, out _);
            }
        }
    }

    [Fact]
    public void A_table_has_no_more_rules_than_allowed() =>
        Assert.True(
            RuleTable.TryRead(new byte[4096], RuleTable.MaxRules, out RuleTable? table) && table.Rules.Length == RuleTable.MaxRules);

    [Fact]
    public void Frames_are_judged_as_real_nodes_judge_them()
    {
        int judged = 0;
        foreach (JsonElement vector in Vl2Vectors.Section("rule_evaluation"))
        {
            var judge = new Judge(vector);
            Verdict verdict = judge.Evaluate();
            string expected = vector.GetProperty("result").GetString()!;
            string actual = verdict.Action switch
            {
                FrameAction.Accept => "accept",
                FrameAction.SuperAccept => "super_accept",
                _ => "drop",
            };
            Assert.True(expected == actual, $"{Vl2Vectors.Name(vector)}: {actual} instead of {expected}");
            Assert.Equal(Forwarded(vector), judge.Copies(verdict));
            judged++;
        }

        Assert.Equal(173, judged);
    }

    [Fact]
    public void Damaged_frames_are_judged_without_an_exception()
    {
        var random = new Random(9);
        foreach (JsonElement vector in Vl2Vectors.Section("rule_evaluation"))
        {
            var judge = new Judge(vector);
            for (int i = 0; i < 20; i++)
            {
                judge.Damage(random);
                judge.Evaluate();
            }
        }
    }

    [Fact]
    public void Judging_allocates_nothing()
    {
        Judge[] judges = [.. Vl2Vectors.Section("rule_evaluation").Select(v => new Judge(v))];
        foreach (Judge judge in judges)
        {
            judge.Evaluate();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (Judge judge in judges)
        {
            judge.Evaluate();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string[] Forwarded(JsonElement vector) =>
    [
        .. vector.GetProperty("forwarded").EnumerateArray().Select(f =>
        {
            byte[] payload = f.Hex("ext_frame_payload");
            return $"{f.GetProperty("to").GetString()} {f.GetProperty("flags").GetInt32():x2} {payload.Length - 23}";
        }),
    ];

    /// <summary>One recorded frame with everything that the rules may ask.</summary>
    private sealed class Judge
    {
        private readonly RuleSet _rules;
        private readonly CredentialView _own;
        private readonly CredentialView _remote;
        private readonly bool _isInbound;
        private readonly NodeId _self;
        private readonly NodeId _source;
        private readonly NodeId _destination;
        private readonly MacAddress _sourceMac;
        private readonly MacAddress _destinationMac;
        private readonly ushort _etherType;
        private readonly ushort _vlan;
        private readonly byte[] _original;
        private byte[] _frame;

        public Judge(JsonElement vector)
        {
            ulong flags = Vl2Vectors.HexNumber(vector, "network_flags");
            var network = NetworkId.Parse(vector.GetProperty("network_id").GetString()!);
            _isInbound = vector.GetProperty("direction").GetString() == "inbound";
            _self = NodeId.Parse(vector.GetProperty("local_address").GetString()!);
            _source = NodeId.Parse(vector.GetProperty("zt_source").GetString()!);
            _destination = vector.GetProperty("zt_dest").GetString() is { } destination ? NodeId.Parse(destination) : default;
            _sourceMac = Mac(vector, "mac_source");
            _destinationMac = Mac(vector, "mac_dest");
            _etherType = (ushort)vector.GetProperty("ethertype").GetInt32();
            _vlan = (ushort)vector.GetProperty("vlan_id").GetInt32();
            _frame = _original = vector.Hex("frame");

            // A whole configuration, so that the prefixes that count as proven come about as they do in life.
            var text = new NetworkDictionaryWriter().Add("v", 7).Add("nwid", network.Value).Add("id", _self.ToString())
                .Add("ts", vector.GetProperty("config_timestamp").GetUInt64())
                .Add("ctmd", vector.GetProperty("credential_time_max_delta").GetUInt64())
                .Add("f", flags).Add("R", vector.Hex("rules_hex"));
            if (vector.TryGetProperty("local_static_ips", out JsonElement ips))
            {
                var addresses = new List<byte>();
                foreach (JsonElement ip in ips.EnumerateArray())
                {
                    string[] parts = ip.GetString()!.Split('/');
                    InetAddressEncoding.Write(addresses, IpAddress.From(System.Net.IPAddress.Parse(parts[0])), int.Parse(parts[1]));
                }

                text.Add("I", addresses.ToArray());
            }

            Assert.True(
                NetworkConfigurationReader.TryRead(text.ToArray(), RandomSource.System, out NetworkConfiguration? configuration, out _));
            _rules = (RuleSet)configuration.Filter;
            _own = new CredentialView(Credentials(vector, "local", _self));
            var member = new Member(Vl2Vectors.MemberB.Address);
            foreach (Credential credential in Credentials(vector, "remote", Vl2Vectors.MemberB.Address))
            {
                Assert.Equal(CredentialOutcome.New, member.Add(credential, Vl2Vectors.Everybody));
            }

            _remote = member.View(configuration, Vl2Vectors.MemberB).Credentials;
        }

        public Verdict Evaluate() => _rules.Evaluate(new FrameContext
        {
            IsInbound = _isInbound,
            Self = _self,
            Source = _source,
            Destination = _destination,
            SourceMac = _sourceMac,
            DestinationMac = _destinationMac,
            EtherType = _etherType,
            VlanId = _vlan,
            Frame = _frame,
            Own = _own,
            Remote = _remote,
        });

        public void Damage(Random random)
        {
            _frame = _original[..random.Next(_original.Length + 1)];
            for (int i = random.Next(4); i > 0 && _frame.Length > 0; i--)
            {
                _frame[random.Next(_frame.Length)] = (byte)random.Next(256);
            }
        }

        public string[] Copies(Verdict verdict)
        {
            if (verdict.Action == FrameAction.Drop)
            {
                return [];
            }

            var copies = new List<string>();
            foreach (FrameCopy copy in new[] { verdict.CapabilityCopy, verdict.BaseCopy }.Where(c => !c.IsNone))
            {
                int flags = copy.IsWatch ? (_isInbound ? 0x1c : 0x16) : _isInbound ? 0x08 : 0x02;
                copies.Add($"{copy.To} {flags:x2} {copy.Length}");
            }

            if (verdict.Action == FrameAction.Redirect)
            {
                copies.Add($"{verdict.RedirectTo} {(_isInbound ? 0x0a : 0x04):x2} {_frame.Length}");
            }

            return [.. copies];
        }

        private static MacAddress Mac(JsonElement vector, string property) =>
            MacAddress.Read(Convert.FromHexString(vector.GetProperty(property).GetString()!.Replace(":", "", StringComparison.Ordinal)));

        private static IEnumerable<Credential> Credentials(JsonElement vector, string side, NodeId holder)
        {
            foreach (JsonElement tag in vector.GetProperty($"{side}_tags").EnumerateArray())
            {
                ReadOnlySpan<byte> data = Tag.Issue(
                    Vl2Vectors.Controller,
                    Vl2Vectors.Network,
                    tag.GetProperty("timestamp").GetUInt64(),
                    tag.GetProperty("id").GetUInt32(),
                    tag.GetProperty("value").GetUInt32(),
                    holder);
                Assert.True(Tag.TryRead(ref data, out Tag? read));
                yield return read;
            }

            foreach (JsonElement capability in vector.GetProperty($"{side}_capabilities").EnumerateArray())
            {
                Assert.True(RuleTable.TryRead(capability.Hex("rules_hex"), RuleTable.MaxCapabilityRules, out RuleTable? rules));
                ReadOnlySpan<byte> data = Capability.Issue(
                    Vl2Vectors.Controller,
                    Vl2Vectors.Network,
                    capability.GetProperty("timestamp").GetUInt64(),
                    capability.GetProperty("id").GetUInt32(),
                    rules,
                    holder);
                Assert.True(Capability.TryRead(ref data, out Capability? read));
                yield return read;
            }

            foreach (JsonElement ownership in vector.GetProperty($"{side}_ownership").EnumerateArray())
            {
                ReadOnlySpan<byte> data = ownership.Hex("binary");
                Assert.True(OwnershipCertificate.TryRead(ref data, out OwnershipCertificate? read));
                yield return read;
            }
        }
    }
}
