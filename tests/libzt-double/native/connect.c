/* connect, shutdown and the two names of a connection. */
#include "ztd.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static int connect_stream(int fd, ztd_sock* s, const ztd_addr* to)
{
    uint32_t host24;
    if (s->dead) {
        return ztd_fail(ZTS_ENOTCONN);
    }

    ztd_progress(s);
    if (s->state == ZTD_CONNECTED || s->state == ZTD_LISTENING) {
        return ztd_fail(ZTS_EISCONN);
    }

    if (s->state == ZTD_CONNECTING) {
        return ztd_fail(s->dead ? ZTS_ENOTCONN : ZTS_EALREADY);
    }

    ztd_net* net = ztd_route(to, &host24);
    bool tentative = net != NULL && ztd_now() < net->addr_since + (uint64_t)ztd_cfg.dad;
    if (net == NULL || tentative || ztd_cfg.connect == ZTD_CONNECT_NO_ROUTE || (s->bound && !s->foreign && s->net != net->id)) {
        return ztd_fail(ZTS_EHOSTUNREACH);
    }

    if (ztd_is_own(net, host24)) {
        ztd_violation("connect of descriptor %d to the node's own address", fd);
    }

    ztd_counts[ZTD_C_CONNECTS]++;
    s->remote = *to;
    s->net = net->id;
    s->state = ZTD_CONNECTING;
    s->connect_deadline = ztd_now() + (uint64_t)ztd_cfg.connect_timeout;
    s->local.family = to->family;
    s->silent = ztd_cfg.connect == ZTD_CONNECT_SILENT || host24 > 0xffffff || ztd_is_own(net, host24) || ztd_cfg.vanish
        || !ztd_port_allowed(net->id, to->port) || !ztd_present(net->id, host24);
    if (ztd_cfg.connect == ZTD_CONNECT_REFUSED) {
        ztd_kill(s, ZTS_ECONNRESET);
    } else if (!s->silent) {
        struct sockaddr_in a;
        ztd_kernel_addr(net->id, host24, to->port, &a);
        if (s->kfd < 0 && !ztd_bind_kernel(s, net, (uint32_t)(ztd_n.id & 0xffffff), 0)) {
            s->state = ZTD_FRESH;
            return ztd_fail(ZTS_ENOBUFS);
        }

        int tos = to->family == ZTS_AF_INET ? ZTD_TOS_IPV4 : 0;
        setsockopt(s->kfd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
        if (connect(s->kfd, (struct sockaddr*)&a, sizeof a) != 0 && errno != EINPROGRESS) {
            ztd_kill(s, ZTS_ECONNRESET);
        }
    }

    return ztd_fail(ZTS_EINPROGRESS);
}

static int connect_datagram(ztd_sock* s, const ztd_addr* to)
{
    uint32_t host24;
    if (to->family == 0) {
        s->remote.family = 0;
        return ztd_ok(0);
    }

    ztd_net* net = ztd_route(to, &host24);
    if (net == NULL) {
        return ztd_fail(ZTS_EHOSTUNREACH);
    }

    s->remote = *to;
    return ztd_ok(0);
}

ZTS_API int zts_bsd_connect(int fd, const void* sa, uint32_t len)
{
    int result;
    ztd_addr to;
    if (sa == NULL || len < 16 || len > 28) {
        return ZTS_ERR_ARG;
    }

    ztd_sock* s = ztd_begin(fd, "connect", &result);
    if (s == NULL) {
        return result;
    }

    result = ztd_check_sa(s, sa, len);
    if (result != 0) {
        ztd_leave();
        return result;
    }

    ztd_parse_sa(sa, &to);
    if (((const unsigned char*)sa)[1] == 0) {
        to.family = 0;
    }

    if (s->type == ZTS_SOCK_DGRAM) {
        result = connect_datagram(s, &to);
        ztd_leave();
        return result;
    }

    bool blocking = !s->nonblocking;
    if (blocking) {
        ztd_counts[ZTD_C_BLOCKING]++;
        ztd_violation("blocking connect on descriptor %d", fd);
    }

    atomic_fetch_add(&ztd_in[fd].connecting, 1);
    result = to.family == 0 ? ztd_fail(ZTS_EINVAL) : connect_stream(fd, s, &to);
    while (blocking && result < 0 && errno == ZTS_EINPROGRESS) {
        ztd_wait(fd, ZTS_POLLOUT, UINT64_MAX);
        s = ztd_get(fd);
        if (s == NULL || !ztd_gate()) {
            result = ztd_fail(ZTS_ECONNABORTED);
            break;
        }

        ztd_progress(s);
        if (s->dead) {
            result = ztd_fail(s->error);
            s->error = 0;
        } else if (s->state == ZTD_CONNECTED) {
            result = ztd_ok(0);
        }
    }

    atomic_fetch_sub(&ztd_in[fd].connecting, 1);
    ztd_leave();
    return result;
}

ZTS_API int zts_bsd_shutdown(int fd, int how)
{
    int result;
    bool reading = fd >= 0 && fd < ZTS_MAX_SOCKETS && atomic_load(&ztd_in[fd].reading) > 0;
    ztd_sock* s = ztd_begin(fd, "shutdown", &result);
    if (s == NULL) {
        return result;
    }

    bool read = how == 0 || how == 2;
    bool write = how == 1 || how == 2;
    ztd_progress(s);
    if (how < 0 || how > 2) {
        result = ztd_fail(ZTS_EINVAL);
    } else if (s->type == ZTS_SOCK_DGRAM) {
        result = ztd_fail(ZTS_EOPNOTSUPP);
    } else if (s->state != ZTD_CONNECTED || s->dead || (write && s->shut_wr)) {
        result = ztd_fail(ZTS_ENOTCONN);
    } else {
        if (read && reading) {
            ztd_violation("shutdown(%d) of descriptor %d while another call reads from it: the stack would freeze", how, fd);
        }

        s->shut_rd = s->shut_rd || read;
        s->shut_wr = s->shut_wr || write;
        if (s->kfd >= 0 && write) {
            struct pollfd p = { .fd = s->kfd, .events = POLLRDHUP };
            s->passive = poll(&p, 1, 0) > 0 && (p.revents & POLLRDHUP) != 0;
            shutdown(s->kfd, SHUT_WR);
        }

        if (how == 2) {
            s->ended = true;
        }

        result = ztd_ok(0);
    }

    ztd_leave();
    return result;
}

static int name(int fd, void* sa, uint32_t* len, const char* call, bool peer)
{
    int result;
    if (sa == NULL || len == NULL || *len < 16 || *len > 28) {
        return ZTS_ERR_ARG;
    }

    ztd_sock* s = ztd_begin(fd, call, &result);
    if (s == NULL) {
        return result;
    }

    ztd_progress(s);
    const ztd_addr* a = peer ? &s->remote : &s->local;
    if ((peer && (s->remote.family == 0 || (s->type == ZTS_SOCK_STREAM && s->state != ZTD_CONNECTED))) || (s->dead && s->type == ZTS_SOCK_STREAM)) {
        result = ztd_fail(ZTS_ENOTCONN);
    } else {
        ztd_put_sa(a, s->family, sa, len);
        result = ztd_ok(0);
    }

    ztd_leave();
    return result;
}

ZTS_API int zts_bsd_getsockname(int fd, void* sa, uint32_t* len) { return name(fd, sa, len, "getsockname", false); }

ZTS_API int zts_bsd_getpeername(int fd, void* sa, uint32_t* len) { return name(fd, sa, len, "getpeername", true); }
