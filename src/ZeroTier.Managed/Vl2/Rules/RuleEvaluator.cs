namespace ZeroTier.Managed.Vl2.Rules;

/// <summary>
/// Evaluates a rule table for a frame (docs/protocol/3-vl2.md 3.6.2). All nodes of a network must come to the same result, so it behaves
/// exactly as ZeroTierOne 1.12, oddities included. The work is bounded by the length of the table.
/// </summary>
internal readonly struct RuleEvaluator(RuleSettings settings)
{
    private readonly RuleMatcher _matcher = new(settings);

    /// <summary>Evaluates one table.</summary>
    public TableResult Evaluate(RuleTable table, in FrameContext frame, in FrameHeaders headers)
    {
        bool matches = true;
        bool isObserver = false;
        FrameCopy copy = default;
        foreach (ref readonly Rule rule in table.Rules.AsSpan())
        {
            if (!rule.IsAction)
            {
                // Once the conjunction is false, only a match with OR can change it.
                if (matches || rule.IsAlternative)
                {
                    bool result = _matcher.Holds(rule, frame, headers, isObserver) ^ rule.IsNegated;
                    matches = rule.IsAlternative ? matches || result : matches && result;
                }

                continue;
            }

            if (!matches)
            {
                // A copy or redirection to us whose matches failed makes us an observer, for whom tag matches are lenient (3.6.3).
                isObserver |= frame.IsInbound && IsCopyOrRedirect(rule.Type) && rule.Node == frame.Self;
                matches = true;
                continue;
            }

            switch (rule.Type)
            {
                case RuleType.Drop:
                    return new(TableOutcome.Drop, default, default);
                case RuleType.Accept:
                    return new(isObserver ? TableOutcome.SuperAccept : TableOutcome.Accept, default, copy);
                case RuleType.Priority:
                    return new(TableOutcome.Accept, default, copy);
                case RuleType.Break:
                    return new(TableOutcome.NoMatch, default, copy);
                case RuleType.Tee or RuleType.Watch or RuleType.Redirect when rule.Node != frame.Source:
                    if (rule.Node == frame.Self)
                    {
                        if (frame.IsInbound)
                        {
                            return new(TableOutcome.SuperAccept, default, copy);
                        }
                    }
                    else if (rule.Node != frame.Destination)
                    {
                        if (rule.Type == RuleType.Redirect)
                        {
                            return new(TableOutcome.Redirect, rule.Node, copy);
                        }

                        copy = new(
                            rule.Node,
                            rule.Index == 0 ? frame.Frame.Length : Math.Min(rule.Index, frame.Frame.Length),
                            rule.Type == RuleType.Watch);
                    }

                    break;
            }
        }

        return new(TableOutcome.NoMatch, default, copy);
    }

    private static bool IsCopyOrRedirect(RuleType type) => type is RuleType.Tee or RuleType.Watch or RuleType.Redirect;
}

/// <summary>The result of a rule table.</summary>
internal enum TableOutcome
{
    /// <summary>No decision: capabilities are evaluated next.</summary>
    NoMatch,
    Drop,
    Accept,
    SuperAccept,
    Redirect,
}

/// <summary>The outcome, with the target of a redirection and the last copy to be sent.</summary>
internal readonly record struct TableResult(TableOutcome Outcome, NodeId RedirectTo, FrameCopy Copy)
{
    public bool LetsPass => Outcome is TableOutcome.Accept or TableOutcome.SuperAccept or TableOutcome.Redirect;
}
