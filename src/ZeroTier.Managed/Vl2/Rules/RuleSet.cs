namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// The rules of a network with a controller: the base rules, and, if these do not decide, the capabilities of the sender
/// (docs/protocol/3-vl2.md 3.6.2).
/// </summary>
internal sealed class RuleSet(RuleTable baseRules, RuleSettings settings) : IFrameFilter
{
    private readonly RuleEvaluator _evaluator = new(settings);

    /// <summary>All ports: rules can match anything, so nothing can be told in advance.</summary>
    public PortRange OpenPorts => PortRange.All;

    public Verdict Evaluate(in FrameContext frame)
    {
        var headers = new FrameHeaders(frame.EtherType, frame.Frame);
        TableResult result = _evaluator.Evaluate(baseRules, frame, headers);
        if (result.Outcome != TableOutcome.NoMatch)
        {
            return result.LetsPass ? Pass(result, default, result.Copy) : Verdict.Drop;
        }

        IMemberCredentials? sender = frame.IsInbound ? frame.Remote : frame.Own;
        if (sender is not null)
        {
            foreach (RuleTable capability in sender.Capabilities)
            {
                // A capability can only permit: its DROP counts as no match.
                TableResult permission = _evaluator.Evaluate(capability, frame, headers);
                if (permission.LetsPass)
                {
                    return Pass(permission, permission.Copy, result.Copy);
                }
            }
        }

        return Verdict.Drop;
    }

    private static Verdict Pass(in TableResult result, FrameCopy capabilityCopy, FrameCopy baseCopy) => new()
    {
        Action = result.Outcome switch
        {
            TableOutcome.SuperAccept => FrameAction.SuperAccept,
            TableOutcome.Redirect => FrameAction.Redirect,
            _ => FrameAction.Accept,
        },
        RedirectTo = result.RedirectTo,
        CapabilityCopy = capabilityCopy,
        BaseCopy = baseCopy,
    };
}
