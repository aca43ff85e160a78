namespace ZeroTier.Managed;

/// <content>The planet of the public roots, which ZeroTier, Inc. operates.</content>
public sealed partial class Planet
{
    private const string EarthBytes =
        "AQAAAAAI6skKAAABfulXYM24s4ikaSIUkaqazWbMdkze/VYDnxBnrhXmnG+0LXtVMw4/2qxSnAeS/XNApqohq6ikif2upEo5vy0AZZrJyBjrNgCSdjfvTRQE"
        + "pE1URoSFE3l1H6p5tMTqhQQBdeoGWGBIJALh6zQgUgAOYpAGGpvgzSk8i1Xxw9JSSAivxUkiCA41Oada3cPO8PatJg1YgpO7d4bnHvpLkFfa2YZ6/hLdBMr+"
        + "nv65AMze92vHuX3tkE6rxd8JiG2cFRSmEANsuROcwhQAGilYl4787BVxLdOUjG5rOo6JPfAf9JPR+NmAaoYMVCBXG/AAAgRowgiGJwkGJgWYgAIAEgAAMAVx"
        + "DjQAUScJd4zecZAAP2aBqZ5a0Ylen7oz5iEtRFThaLzscRIQG/AAlW7Y6S5CiSy28uxBCIGoSrGdpQ4Sh7o9kmw6H3VczPKZoSBwVQACBGfDZ0InCQYmBZiA"
        + "BAAAwwJU8ryh9wAZJwli+GWucQDiB2xX3ocOYojX1edARAixVF78o31n93uH6eVBaMJdPvGpq/KQXqXnhcAd/yOIetQjLZXHqP0sJxEacr0VkyLcAAIEMgf8"
        + "iicJBiABSfDQ2wACAAAAAAAAAAInCcr+BOupAGxqnR3qVcFha/4qK48P+ajKyvcDdPsfOeO++By/6+8XtyKCaKCiop00iMdSVlxslly9ZQbsJDl8yKXZ0VKF"
        + "qH8AAgRUETWbJwkGKgJuoNQFAAAAAAAAAACZkycJ";

    /// <summary>
    /// The public planet, of 2022-02-11, with the four roots that ZeroTier, Inc. operates (docs/protocol/2-vl1.md 2.8.4). Networks of the
    /// hosted controller need it. A node that uses it sends packets to the Internet; tests and samples use a planet of their own.
    /// </summary>
    public static Planet Earth { get; } = Parse(Convert.FromBase64String(EarthBytes));
}
