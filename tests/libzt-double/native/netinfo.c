/* Questions about networks, addresses and routes (4.4, 4.5, 4.7), with their exact-length checks. */
#include "ztd.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Finds the network under the lock, or the code that the caller gets. */
static int find(uint64_t id, ztd_net** net)
{
    if (ztd_n.phase != ZTD_RUNNING) {
        return ZTS_ERR_SERVICE;
    }

    *net = ztd_n.core ? ztd_net_find(id) : NULL;
    return *net == NULL ? ZTS_ERR_NO_RESULT : ZTS_ERR_OK;
}

typedef int (*field)(const ztd_net* net);

static int query(uint64_t id, field get)
{
    ztd_net* net;
    ztd_enter();
    int result = find(id, &net);
    if (result == ZTS_ERR_OK) {
        result = get(net);
    }

    ztd_leave();
    return result;
}

static int get_status(const ztd_net* net) { return net->status; }
static int get_type(const ztd_net* net) { return net->id >> 56 == 0xff; }
static int get_mtu(const ztd_net* net) { (void)net; return 2800; }
static int get_broadcast(const ztd_net* net) { (void)net; return 0; }
static int get_no_routes(const ztd_net* net) { (void)net; return 0; }

static int count_addresses(const ztd_net* net)
{
    ztd_addr own[2];
    int prefix[2];
    return ztd_net_addresses(net, own, prefix);
}

ZTS_API int zts_net_get_status(uint64_t id) { return query(id, get_status); }
ZTS_API int zts_net_get_type(uint64_t id) { return query(id, get_type); }
ZTS_API int zts_net_get_mtu(uint64_t id) { return query(id, get_mtu); }
ZTS_API int zts_core_query_addr_count(uint64_t id) { return query(id, count_addresses); }
ZTS_API int zts_core_query_route_count(uint64_t id) { return query(id, get_no_routes); }
ZTS_API int zts_core_query_mc_count(uint64_t id) { return query(id, get_no_routes); }

ZTS_API int zts_net_get_broadcast(uint64_t id)
{
    int result = query(id, get_broadcast);
    return id == 0 && result != ZTS_ERR_SERVICE ? ZTS_ERR_ARG : result;
}

ZTS_API int zts_route_is_assigned(uint64_t id, unsigned int family)
{
    (void)family;
    return query(id, get_no_routes);
}

ZTS_API int zts_net_transport_is_ready(uint64_t id)
{
    /* Network 0: an error code squeezed into a bool (4.4). */
    int result = query(id, count_addresses);
    return id == 0 ? 1 : result > 0;
}

ZTS_API uint64_t zts_net_get_mac(uint64_t id)
{
    ztd_net* net;
    ztd_enter();
    int result = id == 0 && ztd_n.phase == ZTD_RUNNING ? ZTS_ERR_ARG : find(id, &net);
    uint64_t mac = result == ZTS_ERR_OK ? ztd_net_mac(id) : (uint64_t)(int64_t)result;
    ztd_leave();
    return mac;
}

ZTS_API int zts_net_get_mac_str(uint64_t id, char* dst, unsigned int len)
{
    if (dst == NULL || len < ZTS_MAC_LEN) {
        return ZTS_ERR_ARG;
    }

    uint64_t mac = zts_net_get_mac(id);
    if (mac >> 48 != 0) {
        return (int)(int64_t)mac;
    }

    /* Not padded: 2:c:d:e4:20:d0. */
    snprintf(dst, len, "%x:%x:%x:%x:%x:%x", (unsigned)(mac >> 40 & 255), (unsigned)(mac >> 32 & 255), (unsigned)(mac >> 24 & 255),
        (unsigned)(mac >> 16 & 255), (unsigned)(mac >> 8 & 255), (unsigned)(mac & 255));
    return ZTS_ERR_OK;
}

static void name_of(uint64_t id, char* dst, size_t len)
{
    if (id >> 56 == 0xff && (id & 0xffffff) == 0) {
        snprintf(dst, len, "adhoc-%04x-%04x", (unsigned)(id >> 40 & 0xffff), (unsigned)(id >> 24 & 0xffff));
    } else if (id >> 56 == 0xff) {
        snprintf(dst, len, "adhoc-%u.0.0.0", (unsigned)(id >> 48 & 0xff));
    } else {
        snprintf(dst, len, "double");
    }
}

ZTS_API int zts_net_get_name(uint64_t id, char* dst, unsigned int len)
{
    ztd_net* net;
    if (dst == NULL || len != ZTS_NAME_LEN) {
        return ZTS_ERR_ARG;
    }

    ztd_enter();
    int result = ztd_n.online ? find(id, &net) : ZTS_ERR_SERVICE;
    if (result == ZTS_ERR_OK) {
        name_of(id, dst, len);
    }

    ztd_leave();
    return result;
}

ZTS_API uint64_t zts_net_compute_adhoc_id(unsigned short lo, unsigned short hi)
{
    return 0xffULL << 56 | (uint64_t)lo << 40 | (uint64_t)hi << 24;
}

/* The control API's address: byte 0 stays, the port field is the prefix length. */
static void put(unsigned char* dst, const ztd_addr* from, int prefix)
{
    dst[1] = (unsigned char)from->family;
    dst[2] = 0;
    dst[3] = (unsigned char)prefix;
    memcpy(dst + (from->family == ZTS_AF_INET ? 4 : 8), from->ip, from->family == ZTS_AF_INET ? 4 : 16);
}

ZTS_API int zts_addr_get_all(uint64_t id, void* dst, unsigned int* count)
{
    ztd_net* net;
    ztd_addr own[2];
    int prefix[2];
    if (dst == NULL || count == NULL || *count != ZTS_MAX_ADDRESSES) {
        return ZTS_ERR_ARG;
    }

    ztd_enter();
    int result = find(id, &net);
    if (result == ZTS_ERR_OK) {
        int n = ztd_net_addresses(net, own, prefix);
        for (int i = 0; i < n; i++) {
            put((unsigned char*)dst + 28 * i, &own[i], prefix[i]);
        }

        if (n == 0) {
            result = ZTS_ERR_NO_RESULT;
        } else {
            *count = (unsigned int)n;
        }
    }

    ztd_leave();
    return result;
}

/* 0 with the address, or the code. */
static int first_of(uint64_t id, unsigned int family, ztd_addr* out, int* length)
{
    ztd_net* net;
    ztd_addr own[2];
    int prefix[2];
    int result = find(id, &net);
    if (result != ZTS_ERR_OK) {
        return result;
    }

    int n = ztd_net_addresses(net, own, prefix);
    for (int i = 0; i < n; i++) {
        if ((unsigned int)own[i].family == family) {
            *out = own[i];
            *length = prefix[i];
            return ZTS_ERR_OK;
        }
    }

    return ZTS_ERR_NO_RESULT;
}

ZTS_API int zts_addr_get(uint64_t id, unsigned int family, void* dst)
{
    ztd_addr address;
    int prefix;
    if (dst == NULL || id == 0 || (family != ZTS_AF_INET && family != ZTS_AF_INET6)) {
        return ZTS_ERR_ARG;
    }

    ztd_enter();
    int result = first_of(id, family, &address, &prefix);
    if (result == ZTS_ERR_OK) {
        put(dst, &address, prefix);
    }

    ztd_leave();
    return result;
}

ZTS_API int zts_addr_get_str(uint64_t id, unsigned int family, char* dst, unsigned int len)
{
    ztd_addr address;
    int prefix;
    if (dst == NULL || id == 0 || len < ZTS_IP_LEN) {
        return ZTS_ERR_ARG;
    }

    ztd_enter();
    int result = family != ZTS_AF_INET && family != ZTS_AF_INET6
        ? (ztd_n.phase == ZTD_RUNNING ? 1 : ZTS_ERR_SERVICE)   /* an unknown family: 0, and nothing is written */
        : first_of(id, family, &address, &prefix);
    ztd_leave();
    if (result == ZTS_ERR_OK) {
        zts_inet_ntop((int)family, address.ip, dst, len);
    }

    return result == 1 ? ZTS_ERR_OK : result;
}

ZTS_API int zts_addr_is_assigned(uint64_t id, unsigned int family)
{
    ztd_addr address;
    int prefix;
    ztd_enter();
    int result = ztd_n.phase == ZTD_RUNNING
        && ((family != ZTS_AF_INET && family != ZTS_AF_INET6) || first_of(id, family, &address, &prefix) == ZTS_ERR_OK);
    ztd_leave();
    return result;
}

ZTS_API int zts_addr_compute_6plane(uint64_t id, uint64_t node, void* dst)
{
    if (dst == NULL || id == 0 || node == 0) {
        return ZTS_ERR_ARG;
    }

    ztd_sixplane(id, node, (unsigned char*)dst + 8);
    return ZTS_ERR_OK;
}

ZTS_API int zts_addr_compute_rfc4193(uint64_t id, uint64_t node, void* dst)
{
    if (dst == NULL || id == 0 || node == 0) {
        return ZTS_ERR_ARG;
    }

    ztd_rfc4193(id, node, (unsigned char*)dst + 8);
    return ZTS_ERR_OK;
}

static int compute_str(uint64_t id, uint64_t node, char* dst, unsigned int len, void (*compute)(uint64_t, uint64_t, unsigned char*))
{
    unsigned char ip[16];
    if (dst == NULL || id == 0 || node == 0 || len != ZTS_IP_LEN) {
        return ZTS_ERR_ARG;
    }

    compute(id, node, ip);
    zts_inet_ntop(ZTS_AF_INET6, ip, dst, len);
    return ZTS_ERR_OK;
}

ZTS_API int zts_addr_compute_6plane_str(uint64_t id, uint64_t node, char* dst, unsigned int len)
{
    return compute_str(id, node, dst, len, ztd_sixplane);
}

ZTS_API int zts_addr_compute_rfc4193_str(uint64_t id, uint64_t node, char* dst, unsigned int len)
{
    return compute_str(id, node, dst, len, ztd_rfc4193);
}

/* The table lock is not held between calls here: only the gates count. */
static int core_lock(void)
{
    ztd_enter();
    int result = ztd_n.phase == ZTD_RUNNING ? ZTS_ERR_OK : ZTS_ERR_SERVICE;
    ztd_leave();
    return result;
}

ZTS_API int zts_core_lock_obtain(void) { return core_lock(); }

ZTS_API int zts_core_lock_release(void) { return core_lock(); }

ZTS_API int zts_core_query_addr(uint64_t id, unsigned int index, char* dst, unsigned int len)
{
    ztd_net* net;
    ztd_addr own[2];
    int prefix[2];
    char text[ZTS_IP_LEN];
    ztd_enter();
    int result = find(id, &net);
    if (result == ZTS_ERR_OK) {
        int n = ztd_net_addresses(net, own, prefix);
        if (index >= (unsigned int)n || dst == NULL) {
            result = ZTS_ERR_ARG;
        } else {
            zts_inet_ntop(own[index].family, own[index].ip, text, sizeof text);
            for (char* c = text; *c != 0; c++) {
                *c = (char)tolower((unsigned char)*c);
            }

            snprintf(dst, len, "%s", text);
        }
    }

    ztd_leave();
    return result == ZTS_ERR_NO_RESULT ? ZTS_ERR_OK : result;   /* an unknown network: 0, and nothing is written */
}

ZTS_API int zts_core_query_route(uint64_t id, unsigned int index, char* target, char* via, unsigned int len, uint16_t* flags, uint16_t* metric)
{
    (void)id; (void)index; (void)target; (void)via; (void)len; (void)flags; (void)metric;
    int gate = core_lock();
    return gate != ZTS_ERR_OK ? gate : ZTS_ERR_ARG;
}

ZTS_API int zts_core_query_mc(uint64_t id, unsigned int index, uint64_t* mac, uint32_t* adi)
{
    (void)id; (void)index; (void)mac; (void)adi;
    int gate = core_lock();
    return gate != ZTS_ERR_OK ? gate : ZTS_ERR_ARG;
}

ZTS_API int zts_core_query_path_count(uint64_t peer)
{
    (void)peer;
    int gate = core_lock();
    return gate != ZTS_ERR_OK ? gate : ZTS_ERR_NO_RESULT;
}

ZTS_API int zts_core_query_path(uint64_t peer, unsigned int index, char* dst, unsigned int len)
{
    (void)index; (void)dst; (void)len;
    return zts_core_query_path_count(peer);
}
