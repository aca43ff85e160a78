namespace ZeroTier.Libzt.Loading;

/// <summary>Names that the library exports.</summary>
internal static class LibztSymbols
{
    /// <summary>The variable with the error number of the process' last socket call.</summary>
    public const string Errno = "zts_errno";

    /// <summary>The start call of libraries before version 1.4.</summary>
    public const string OldStart = "zts_start";

    /// <summary>
    /// C++ variables that Linux builds export although they are not part of the API; used if present (docs/protocol/4-libzt-api.md 7.1 and
    /// 11).
    /// </summary>
    public const string StateFlags = "_ZN8ZeroTier13service_stateE";

    /// <inheritdoc cref="StateFlags"/>
    public const string Service = "_ZN8ZeroTier11zts_serviceE";

    /// <summary>
    /// Every function that <c>Native/</c> imports, so that a library that lacks one is refused when it is loaded and not at the first call.
    /// </summary>
    public static IReadOnlyList<string> Required { get; } =
    [
        "zts_addr_get_all",
        "zts_bsd_accept",
        "zts_bsd_bind",
        "zts_bsd_close",
        "zts_bsd_connect",
        "zts_bsd_fcntl",
        "zts_bsd_getsockname",
        "zts_bsd_getsockopt",
        "zts_bsd_listen",
        "zts_bsd_poll",
        "zts_bsd_recv",
        "zts_bsd_recvfrom",
        "zts_bsd_send",
        "zts_bsd_sendto",
        "zts_bsd_setsockopt",
        "zts_bsd_shutdown",
        "zts_bsd_socket",
        "zts_id_pair_is_valid",
        "zts_init_allow_net_cache",
        "zts_init_allow_peer_cache",
        "zts_init_allow_port_mapping",
        "zts_init_allow_roots_cache",
        "zts_init_allow_secondary_port",
        "zts_init_allow_tcp_relay",
        "zts_init_blacklist_if",
        "zts_init_force_tcp_relay",
        "zts_init_from_memory",
        "zts_init_from_storage",
        "zts_init_set_event_handler",
        "zts_init_set_port",
        "zts_init_set_random_port_range",
        "zts_init_set_roots",
        "zts_init_set_tcp_relay",
        "zts_net_get_mac",
        "zts_net_get_mtu",
        "zts_net_get_name",
        "zts_net_get_status",
        "zts_net_get_type",
        "zts_net_join",
        "zts_net_leave",
        "zts_node_get_id",
        "zts_node_get_id_pair",
        "zts_node_get_port",
        "zts_node_is_online",
        "zts_node_start",
        "zts_node_stop",
        "zts_stats_get_all",
    ];
}
