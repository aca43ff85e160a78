/* bind, listen, accept. */
#include "ztd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_any(const ztd_addr* a)
{
    static const unsigned char zero[16];
    return memcmp(a->ip, zero, 16) == 0;
}

static int do_bind(ztd_sock* s, const ztd_addr* a)
{
    uint32_t host24;
    if (s->bound || s->state != ZTD_FRESH) {
        return ztd_fail(ZTS_EINVAL);
    }

    ztd_net* net;
    if (is_any(a)) {
        /* The real one hears every network here; the double hears the first. */
        net = ztd_n.net_count > 0 && ztd_n.nets[0].has_addr ? &ztd_n.nets[0] : NULL;
        host24 = (uint32_t)(ztd_n.id & 0xffffff);
        s->unspecified = true;
    } else {
        net = ztd_route(a, &host24);
    }

    s->local = *a;
    s->bound = true;
    if (net == NULL || !ztd_is_own(net, host24)) {
        s->foreign = true;      /* accepted, and never heard (4.8) */
        return ztd_ok(0);
    }

    if (!ztd_bind_kernel(s, net, host24, a->port)) {
        s->bound = false;
        return ztd_fail(errno == EADDRINUSE ? ZTS_EADDRINUSE : ZTS_ENOBUFS);
    }

    return ztd_ok(0);
}

ZTS_API int zts_bsd_bind(int fd, const void* sa, uint32_t len)
{
    int result;
    if (sa == NULL || len < 16 || len > 28) {
        return ZTS_ERR_ARG;
    }

    ztd_sock* s = ztd_begin(fd, "bind", &result);
    if (s == NULL) {
        return result;
    }

    result = ztd_check_sa(s, sa, len);
    if (result == 0) {
        ztd_addr a;
        result = ztd_parse_sa(sa, &a) ? do_bind(s, &a) : ztd_fail(ZTS_EINVAL);
    }

    ztd_leave();
    return result;
}

ZTS_API int zts_bsd_listen(int fd, int backlog)
{
    int result;
    ztd_sock* s = ztd_begin(fd, "listen", &result);
    if (s == NULL) {
        return result;
    }

    if (s->type != ZTS_SOCK_STREAM) {
        result = ztd_fail(ZTS_EOPNOTSUPP);
    } else if (s->dead || (s->state != ZTD_FRESH && s->state != ZTD_LISTENING)) {
        result = ztd_fail(ZTS_EINVAL);
    } else {
        ztd_addr any = { .family = s->family };
        result = s->bound ? 0 : do_bind(s, &any);
        /* 0…255, 0 means 1, and the mailbox holds 127; the kernel allows one more than it is told. */
        int one = 1;
        if (s->kfd >= 0) {
            setsockopt(s->kfd, IPPROTO_TCP, TCP_SAVE_SYN, &one, sizeof one);
        }

        int waiting = backlog < 1 ? 1 : backlog > 127 ? 127 : backlog;
        if (result == 0 && s->kfd >= 0 && listen(s->kfd, waiting - 1) != 0) {
            result = ztd_fail(ZTS_EADDRINUSE);
        } else if (result == 0) {
            s->state = ZTD_LISTENING;
            result = ztd_ok(0);
        }
    }

    ztd_leave();
    return result;
}

/* Both families of a node share one kernel address; the type of service of its SYN says to which a connection was made (connect.c). */
static int family_of(int kfd)
{
    unsigned char syn[128];
    socklen_t len = sizeof syn;
    return getsockopt(kfd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len) == 0 && len > 1 && syn[1] == ZTD_TOS_IPV4 ? ZTS_AF_INET : ZTS_AF_INET6;
}

/* -1 with EAGAIN when nobody waits. */
static int accept_once(ztd_sock* s, ztd_addr* from)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    int fd;
    if (s->state != ZTD_LISTENING) {
        return ztd_fail(ZTS_EINVAL);
    }

    if (ztd_storm(s)) {
        return ztd_fail(ZTS_EAGAIN);
    }

    if (ztd_cfg.accept_error != 0 && ztd_cfg.accept_error_count != 0) {
        ztd_cfg.accept_error_count -= ztd_cfg.accept_error_count > 0;
        ztd_counts[ZTD_C_ACCEPT_FAILURES]++;
        return ztd_fail((int)ztd_cfg.accept_error);
    }

    int kfd = s->kfd < 0 ? -1 : accept4(s->kfd, (struct sockaddr*)&a, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (kfd < 0) {
        return ztd_fail(ZTS_EAGAIN);
    }

    int family = family_of(kfd);
    ztd_sock* c = ztd_alloc(s->unspecified ? s->family : family, ZTS_SOCK_STREAM, &fd);
    if (c == NULL) {
        struct linger hard = { 1, 0 };
        setsockopt(kfd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(kfd);           /* the peer sees a connection that is reset */
        ztd_counts[ZTD_C_ACCEPT_FAILURES]++;
        return ztd_fail(ZTS_ENFILE);
    }

    struct sockaddr_in own;
    socklen_t own_len = sizeof own;
    getsockname(kfd, (struct sockaddr*)&own, &own_len);
    c->kfd = kfd;
    c->state = ZTD_CONNECTED;
    c->net = s->net;
    c->reuse = s->reuse;
    c->remote = ztd_virtual_addr(s->net, family, &a);
    c->local = ztd_virtual_addr(s->net, family, &own);
    if (family == ZTS_AF_INET6) {
        ztd_sixplane(s->net, ztd_n.id, c->local.ip);
    }

    *from = c->remote;
    ztd_counts[ZTD_C_ACCEPTS]++;
    ztd_contact(s->net, &c->remote);
    return ztd_ok(fd);
}

ZTS_API int zts_bsd_accept(int fd, void* sa, uint32_t* len)
{
    int result;
    ztd_addr from;
    ztd_sock* s = ztd_begin(fd, "accept", &result);
    if (s == NULL) {
        return result;
    }

    bool blocking = !s->nonblocking;
    uint64_t deadline = s->rcvtimeo_ms > 0 ? ztd_now() + (uint64_t)s->rcvtimeo_ms : UINT64_MAX;
    if (blocking) {
        ztd_counts[ZTD_C_BLOCKING]++;
        ztd_violation("blocking accept on descriptor %d", fd);
    }

    atomic_fetch_add(&ztd_in[fd].reading, 1);
    result = accept_once(s, &from);
    while (result < 0 && errno == ZTS_EAGAIN && blocking) {
        if (ztd_wait(fd, ZTS_POLLIN, deadline) != 0) {
            result = ztd_fail(ZTS_EAGAIN);
            break;
        }

        s = ztd_get(fd);
        result = s == NULL ? ztd_fail(ZTS_ECONNABORTED) : accept_once(s, &from);
    }

    if (result >= 0 && sa != NULL && len != NULL) {
        ztd_put_sa(&from, from.family, sa, len);   /* a plain sockaddr_in for an IPv4 client, also on a dual-stack listener */
    }

    atomic_fetch_sub(&ztd_in[fd].reading, 1);
    ztd_leave();
    return result;
}
