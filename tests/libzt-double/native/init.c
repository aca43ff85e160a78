/* zts_init_*: settings for the next start, forgotten at the stop (4.2). */
#include "ztd.h"

#include <stdio.h>
#include <string.h>

/* Holds the lock on success. */
static int begin(const char* name)
{
    ztd_enter();
    if (ztd_n.phase == ZTD_RUNNING || ztd_n.phase == ZTD_STARTING) {
        ztd_violation("%s while the node runs", name);
        ztd_leave();
        return ZTS_ERR_SERVICE;
    }

    if (ztd_n.phase == ZTD_TEARDOWN) {
        /* Goes to the dying object: accepted and lost. */
        ztd_violation("%s while the old node is still there", name);
    } else if (ztd_n.stopped != 0 && ztd_now() - ztd_n.stopped < (uint64_t)ztd_cfg.restart_gap) {
        ztd_violation("%s %llu ms after zts_node_stop", name, (unsigned long long)(ztd_now() - ztd_n.stopped));
    }

    return ZTS_ERR_OK;
}

static int end(void)
{
    if (ztd_n.phase == ZTD_TEARDOWN) {
        ztd_init_forget();
    }

    ztd_leave();
    return ZTS_ERR_OK;
}

#define BEGIN() do { int gate = begin(__func__); if (gate != ZTS_ERR_OK) { return gate; } } while (0)

ZTS_API int zts_init_from_storage(const char* path)
{
    BEGIN();
    ztd_n.has_storage = path != NULL;
    if (path != NULL) {
        snprintf(ztd_n.storage, sizeof ztd_n.storage, "%s", path);
    }

    return end();
}

ZTS_API int zts_init_from_memory(const char* key, unsigned int len)
{
    BEGIN();
    if (key == NULL || len == 0 || len > ZTS_ID_LEN) {
        if (len > ZTS_ID_LEN) {
            ztd_violation("zts_init_from_memory overruns the library's field with %u bytes", len);
        }

        ztd_leave();
        return ZTS_ERR_ARG;
    }

    if (memchr(key, 0, len) == NULL) {
        ztd_violation("zts_init_from_memory without a terminating NUL");
    }

    memset(ztd_n.memory_identity, 0, sizeof ztd_n.memory_identity);
    memcpy(ztd_n.memory_identity, key, len < ZTS_ID_LEN ? len : ZTS_ID_LEN - 1);
    ztd_n.has_memory_identity = true;
    return end();
}

ZTS_API int zts_init_set_event_handler(void (*callback)(void*))
{
    BEGIN();
    if (callback == NULL) {
        ztd_leave();
        return ZTS_ERR_ARG;
    }

    ztd_event_set_handler(callback);
    return end();
}

ZTS_API int zts_init_set_tcp_relay(const char* ip, unsigned short port)
{
    BEGIN();
    (void)port;
    if (ip == NULL) {
        ztd_violation("zts_init_set_tcp_relay with a null address");
    }

    return end();
}

ZTS_API int zts_init_blacklist_if(const char* prefix, unsigned int len)
{
    BEGIN();
    if (prefix == NULL || len < 1 || len > 15) {
        ztd_leave();
        return ZTS_ERR_ARG;
    }

    return end();
}

ZTS_API int zts_init_set_roots(const void* data, unsigned int len)
{
    BEGIN();
    if (data == NULL || len < 1 || len > 4096) {
        ztd_leave();
        return ZTS_ERR_ARG;
    }

    return end();
}

ZTS_API int zts_init_set_port(unsigned short port)
{
    BEGIN();
    ztd_n.init_port = port;
    return end();
}

ZTS_API int zts_init_set_random_port_range(unsigned short lo, unsigned short hi)
{
    BEGIN();
    ztd_n.port_lo = lo;
    ztd_n.port_hi = hi;
    return end();
}

ZTS_API int zts_init_set_low_bandwidth_mode(int on)
{
    (void)on;
    ztd_enter();
    ztd_violation("zts_init_set_low_bandwidth_mode crashes");
    int result = ztd_n.phase == ZTD_RUNNING ? ZTS_ERR_SERVICE : ZTS_ERR_OK;
    ztd_leave();
    return result;
}

#define SETTING(name, field) \
    ZTS_API int name(unsigned int on) { BEGIN(); field = on != 0; return end(); }
#define IGNORED(name) \
    ZTS_API int name(unsigned int on) { BEGIN(); (void)on; return end(); }

SETTING(zts_init_allow_net_cache, ztd_n.net_cache)
SETTING(zts_init_allow_peer_cache, ztd_n.peer_cache)
SETTING(zts_init_allow_roots_cache, ztd_n.roots_cache)
SETTING(zts_init_allow_id_cache, ztd_n.id_cache)
IGNORED(zts_init_allow_tcp_relay)
IGNORED(zts_init_force_tcp_relay)
IGNORED(zts_init_allow_secondary_port)
IGNORED(zts_init_allow_port_mapping)
