/* The simplified sockets (4.9): thin forms of the BSD calls, with the faults that chapter 4 measured. No engine should need them. */
#include "ztd.h"

#include <errno.h>
#include <string.h>
#include <time.h>

ZTS_API int zts_socket(int family, int type, int protocol) { return zts_bsd_socket(family, type, protocol); }
ZTS_API int zts_listen(int fd, int backlog) { return zts_bsd_listen(fd, backlog); }
ZTS_API ssize_t zts_send(int fd, const void* buf, size_t len, int flags) { return zts_bsd_send(fd, buf, len, flags); }
ZTS_API ssize_t zts_recv(int fd, void* buf, size_t len, int flags) { return zts_bsd_recv(fd, buf, len, flags); }
ZTS_API ssize_t zts_read(int fd, void* buf, size_t len) { return zts_bsd_recv(fd, buf, len, 0); }
ZTS_API ssize_t zts_write(int fd, const void* buf, size_t len) { return zts_bsd_send(fd, buf, len, 0); }
ZTS_API int zts_close(int fd) { return zts_bsd_close(fd); }
ZTS_API int zts_shutdown_rd(int fd) { return zts_bsd_shutdown(fd, 0); }
ZTS_API int zts_shutdown_wr(int fd) { return zts_bsd_shutdown(fd, 1); }
ZTS_API int zts_shutdown_rdwr(int fd) { return zts_bsd_shutdown(fd, 2); }

ZTS_API int zts_bind(int fd, const char* ip, unsigned short port)
{
    _Alignas(4) unsigned char sa[28] = { 0 };
    uint32_t len = sizeof sa;
    int result = zts_util_ipstr_to_saddr(ip, port, sa, &len);
    return result != ZTS_ERR_OK ? result : zts_bsd_bind(fd, sa, len);
}

/* The limit counts attempts; a non-blocking descriptor fails at once. */
ZTS_API int zts_connect(int fd, const char* ip, unsigned short port, int timeout_ms)
{
    _Alignas(4) unsigned char sa[28] = { 0 };
    uint32_t len = sizeof sa;
    if (timeout_ms < 0 || zts_util_ipstr_to_saddr(ip, port, sa, &len) != ZTS_ERR_OK) {
        return ZTS_ERR_ARG;
    }

    int flags = zts_bsd_fcntl(fd, 3, 0);
    if (flags < 0 || (flags & 1) != 0) {
        return flags < 0 ? flags : ZTS_ERR_SOCKET;
    }

    int tries = (timeout_ms == 0 ? 30000 : timeout_ms) / 1000 * 4;
    int result;
    do {
        struct timespec quarter = { 0, 250000000 };
        result = zts_bsd_connect(fd, sa, len);
        nanosleep(&quarter, NULL);
    } while (result < 0 && --tries > 0);

    return result;
}

ZTS_API int zts_accept(int fd, char* ip, int len, unsigned short* port)
{
    _Alignas(4) unsigned char sa[28] = { 0 };
    uint32_t n = sizeof sa;
    if (ip == NULL || port == NULL || len != ZTS_IP_LEN) {
        return ZTS_ERR_ARG;
    }

    int result = zts_bsd_accept(fd, sa, &n);
    return result < 0 || zts_util_ntop(sa, n, ip, len, port) != ZTS_ERR_OK ? ZTS_ERR_ARG : result;   /* -3 instead of -1 */
}

static int name(int fd, char* ip, int len, unsigned short* port, int (*get)(int, void*, uint32_t*))
{
    _Alignas(4) unsigned char sa[28] = { 0 };
    uint32_t n = sizeof sa;
    if (ip == NULL || port == NULL || len != ZTS_IP_LEN) {
        return ZTS_ERR_ARG;
    }

    int result = get(fd, sa, &n);
    return result < 0 ? result : zts_util_ntop(sa, n, ip, len, port);
}

ZTS_API int zts_getpeername(int fd, char* ip, int len, unsigned short* port) { return name(fd, ip, len, port, zts_bsd_getpeername); }
ZTS_API int zts_getsockname(int fd, char* ip, int len, unsigned short* port) { return name(fd, ip, len, port, zts_bsd_getsockname); }

/* These three lose their descriptor and return 0 (section 1, point 11). */
static int lost(const char* call)
{
    ztd_enter();
    ztd_violation("%s loses its descriptor", call);
    ztd_leave();
    return 0;
}

ZTS_API int zts_tcp_client(const char* ip, unsigned short port) { (void)ip; (void)port; return lost(__func__); }
ZTS_API int zts_udp_server(const char* ip, unsigned short port) { (void)ip; (void)port; return lost(__func__); }

ZTS_API int zts_tcp_server(const char* ip, unsigned short port, char* rip, int len, unsigned short* rport)
{
    (void)ip; (void)port; (void)rip; (void)len; (void)rport;
    return lost(__func__);
}

ZTS_API int zts_udp_client(const char* ip)
{
    int family = zts_util_get_ip_family(ip);
    return family < 0 ? ZTS_ERR_ARG : zts_bsd_socket(family, ZTS_SOCK_DGRAM, 0);
}

static int get_int(int fd, int level, int option)
{
    int value = 0;
    uint32_t len = sizeof value;
    int result = zts_bsd_getsockopt(fd, level, option, &value, &len);
    return result < 0 ? result : value;
}

static int set_int(int fd, int level, int option, int value) { return zts_bsd_setsockopt(fd, level, option, &value, sizeof value); }

static int set_bool(int fd, int level, int option, int on) { return on != 0 && on != 1 ? ZTS_ERR_ARG : set_int(fd, level, option, on); }

static int set_time(int fd, int option, int sec, int usec)
{
    zts_timeval t = { sec, usec };
    return sec < 0 || usec < 0 ? ZTS_ERR_ARG : zts_bsd_setsockopt(fd, 0xfff, option, &t, sizeof t);
}

static int get_time(int fd, int option)
{
    zts_timeval t = { 0, 0 };
    uint32_t len = sizeof t;
    int result = zts_bsd_getsockopt(fd, 0xfff, option, &t, &len);
    return result < 0 ? result : (int)t.sec;
}

ZTS_API int zts_set_no_delay(int fd, int on) { return set_bool(fd, 6, 1, on); }
ZTS_API int zts_get_no_delay(int fd) { return get_int(fd, 6, 1); }
ZTS_API int zts_set_reuse_addr(int fd, int on) { return set_bool(fd, 0xfff, 4, on); }
ZTS_API int zts_get_reuse_addr(int fd) { return get_int(fd, 0xfff, 4); }
ZTS_API int zts_set_keepalive(int fd, int on) { return set_bool(fd, 0xfff, 8, on); }
ZTS_API int zts_get_keepalive(int fd) { return get_int(fd, 0xfff, 8); }
ZTS_API int zts_set_recv_timeout(int fd, int sec, int usec) { return set_time(fd, 0x1006, sec, usec); }
ZTS_API int zts_get_recv_timeout(int fd) { return get_time(fd, 0x1006); }
ZTS_API int zts_set_send_timeout(int fd, int sec, int usec) { return set_time(fd, 0x1005, sec, usec); }
ZTS_API int zts_get_send_timeout(int fd) { return get_time(fd, 0x1005); }
ZTS_API int zts_set_recv_buf_size(int fd, int size) { return set_int(fd, 0xfff, 0x1002, size); }
ZTS_API int zts_get_recv_buf_size(int fd) { return get_int(fd, 0xfff, 0x1002); }
ZTS_API int zts_set_send_buf_size(int fd, int size) { return set_int(fd, 0xfff, 0x1001, size); }
ZTS_API int zts_get_send_buf_size(int fd) { return get_int(fd, 0xfff, 0x1001); }
ZTS_API int zts_set_ttl(int fd, int ttl) { return ttl < 0 || ttl > 255 ? ZTS_ERR_ARG : set_int(fd, 0, 2, ttl); }
ZTS_API int zts_get_ttl(int fd) { return get_int(fd, 0, 2); }
ZTS_API int zts_get_last_socket_error(int fd) { return get_int(fd, 0xfff, 0x1007); }

ZTS_API int zts_set_linger(int fd, int on, int sec)
{
    zts_linger l = { on, sec };
    return (on != 0 && on != 1) || sec < 0 ? ZTS_ERR_ARG : zts_bsd_setsockopt(fd, 0xfff, 0x80, &l, sizeof l);
}

static int get_linger(int fd, zts_linger* l)
{
    uint32_t len = sizeof *l;
    return zts_bsd_getsockopt(fd, 0xfff, 0x80, l, &len);
}

ZTS_API int zts_get_linger_enabled(int fd)
{
    zts_linger l = { 0, 0 };
    int result = get_linger(fd, &l);
    return result < 0 ? result : l.on;
}

ZTS_API int zts_get_linger_value(int fd)
{
    zts_linger l = { 0, 0 };
    int result = get_linger(fd, &l);
    return result < 0 ? result : l.seconds;
}

ZTS_API int zts_set_blocking(int fd, int on)
{
    return on != 0 && on != 1 ? ZTS_ERR_ARG : zts_bsd_fcntl(fd, 4, on ? 0 : 1);
}

ZTS_API int zts_get_blocking(int fd)
{
    int flags = zts_bsd_fcntl(fd, 3, 0);
    return flags < 0 ? flags : (flags & 1) == 0;
}

ZTS_API int zts_get_pending_data_size(int fd)
{
    int n = 0;
    int result = zts_bsd_ioctl(fd, 0x4000667FUL | (unsigned long)sizeof(long) << 16, &n);
    return result < 0 ? result : n;
}

ZTS_API size_t zts_get_data_available(int fd) { return (size_t)(ssize_t)zts_get_pending_data_size(fd); }
