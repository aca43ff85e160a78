/* Text and addresses, statistics, DNS: the functions that need no socket (4.10). */
#include "ztd.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

ZTS_API const char* zts_inet_ntop(int family, const void* src, char* dst, uint32_t size)
{
    if (family != ZTS_AF_INET && family != ZTS_AF_INET6) {
        errno = 97;
        return NULL;
    }

    if (inet_ntop(family == ZTS_AF_INET ? AF_INET : AF_INET6, src, dst, size) == NULL) {
        return NULL;
    }

    for (char* c = dst; *c != 0; c++) {
        *c = (char)toupper((unsigned char)*c);   /* lwIP writes upper case */
    }

    return dst;
}

ZTS_API int zts_inet_pton(int family, const char* src, void* dst)
{
    if (family == ZTS_AF_INET) {
        return inet_aton(src, dst) != 0;         /* with the old class forms */
    }

    return family == ZTS_AF_INET6 ? inet_pton(AF_INET6, src, dst) : -1;
}

ZTS_API int zts_util_get_ip_family(const char* ip)
{
    unsigned char b[16];
    if (ip == NULL) {
        return ZTS_ERR_ARG;
    }

    return inet_pton(AF_INET, ip, b) == 1 ? ZTS_AF_INET : inet_pton(AF_INET6, ip, b) == 1 ? ZTS_AF_INET6 : -1;
}

/* Leaves what it does not set; text that begins with "::" becomes the unspecified address. */
ZTS_API int zts_util_ipstr_to_saddr(const char* ip, unsigned short port, void* sa, uint32_t* len)
{
    unsigned char* b = sa;
    int family = zts_util_get_ip_family(ip);
    if (sa == NULL || len == NULL || (family != ZTS_AF_INET && family != ZTS_AF_INET6)) {
        return ZTS_ERR_ARG;
    }

    b[1] = (unsigned char)family;
    b[2] = (unsigned char)(port >> 8);
    b[3] = (unsigned char)port;
    *len = family == ZTS_AF_INET ? 16 : 28;
    if (strncmp(ip, "::", 2) == 0 || strncmp(ip, "0:0:0:0:0:0:0:0", 15) == 0) {
        if (strcmp(ip, "::") != 0) {
            ztd_enter();
            ztd_violation("a string helper with %s, which it takes for the unspecified address", ip);
            ztd_leave();
        }

        memset(b + 8, 0, 16);
    } else {
        inet_pton(family == ZTS_AF_INET ? AF_INET : AF_INET6, ip, b + (family == ZTS_AF_INET ? 4 : 8));
    }

    return ZTS_ERR_OK;
}

ZTS_API int zts_util_ntop(const void* sa, uint32_t len, char* dst, int dstlen, unsigned short* port)
{
    const unsigned char* b = sa;
    if (sa == NULL || dst == NULL || port == NULL || dstlen != ZTS_IP_LEN || len < 16) {
        return ZTS_ERR_ARG;
    }

    *port = (unsigned short)(b[2] << 8 | b[3]);
    return zts_inet_ntop(b[1], b + (b[1] == ZTS_AF_INET ? 4 : 8), dst, (uint32_t)dstlen) == NULL ? ZTS_ERR_ARG : ZTS_ERR_OK;
}

ZTS_API void zts_util_delay(unsigned long ms)
{
    struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
    nanosleep(&t, NULL);
}

ZTS_API int zts_util_sign_root_set(char* out, uint32_t* outlen, char* prev, uint32_t* prevlen, char* curr, uint32_t* currlen,
    uint64_t id, uint64_t ts, const void* spec)
{
    (void)prev; (void)prevlen; (void)curr; (void)currlen; (void)id; (void)ts;
    return out == NULL || outlen == NULL || *outlen < 4096 || spec == NULL ? ZTS_ERR_ARG : ZTS_ERR_GENERAL;
}

/* -4 unless stats=1: most builds have no visible lwIP statistics. The numbers are those of the sockets, not of packets. */
ZTS_API int zts_stats_get_all(zts_stats_counter_t* dst)
{
    if (dst == NULL) {
        return ZTS_ERR_ARG;
    }

    ztd_enter();
    int result = !ztd_gate() ? ZTS_ERR_SERVICE : ztd_cfg.stats ? ZTS_ERR_OK : ZTS_ERR_NO_RESULT;
    if (result == ZTS_ERR_OK) {
        memset(dst, 0, sizeof *dst);
        dst->tcp.group[0] = (uint32_t)ztd_counts[ZTD_C_SENDS];
        dst->tcp.group[1] = (uint32_t)ztd_counts[ZTD_C_RECVS];
        dst->udp.group[0] = (uint32_t)ztd_counts[ZTD_C_DATAGRAMS_SENT];
        dst->udp.group[1] = (uint32_t)ztd_counts[ZTD_C_DATAGRAMS_RECEIVED];
        dst->udp.group[2] = (uint32_t)ztd_counts[ZTD_C_DATAGRAMS_DROPPED];
        dst->link.group[0] = dst->ip6.group[0] = dst->tcp.group[0] + dst->udp.group[0];
        dst->link.group[1] = dst->ip6.group[1] = dst->tcp.group[1] + dst->udp.group[1];
    }

    ztd_leave();
    return result;
}

ZTS_API void* zts_bsd_gethostbyname(const char* name)
{
    (void)name;
    return NULL;              /* there is no DNS server inside the network */
}

static zts_ip_addr dns[2];

ZTS_API int zts_dns_set_server(uint8_t index, const zts_ip_addr* a)
{
    if (a == NULL || index > 1) {
        return ZTS_ERR_ARG;
    }

    ztd_enter();
    int result = ztd_gate() ? ZTS_ERR_OK : ZTS_ERR_SERVICE;
    if (result == ZTS_ERR_OK) {
        dns[index] = *a;
    }

    ztd_leave();
    return result;
}

ZTS_API const zts_ip_addr* zts_dns_get_server(uint8_t index)
{
    ztd_enter();
    const zts_ip_addr* result = ztd_gate() && index <= 1 ? &dns[index] : NULL;
    ztd_leave();
    return result;
}

ZTS_API int zts_ipaddr_aton(const char* text, zts_ip_addr* a)
{
    unsigned char b[16] = { 0 };
    int family = text == NULL ? -1 : zts_util_get_ip_family(text);
    if (a == NULL || family < 0) {
        return 0;
    }

    inet_pton(family == ZTS_AF_INET ? AF_INET : AF_INET6, text, b);
    memcpy(a->addr, b, 16);
    a->zone = 0;
    a->type = family == ZTS_AF_INET ? 0 : 6;
    return 1;
}

ZTS_API const char* zts_ipaddr_ntoa(const zts_ip_addr* a)
{
    static char text[ZTS_IP_LEN];
    return a == NULL ? NULL : zts_inet_ntop(a->type == 0 ? ZTS_AF_INET : ZTS_AF_INET6, a->addr, text, sizeof text);
}
