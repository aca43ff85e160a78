/* The sending and receiving calls: who is inside a descriptor, and the blocking forms. */
#include "ztd.h"

#include <errno.h>

typedef struct {
    int fd;
    const zts_iovec* v;
    int n, flags;
    ztd_addr* addr;
    bool has_addr, full, sending;
    int* out_flags;
} call;

static ssize_t once(ztd_sock* s, const call* c)
{
    bool stream = s->type == ZTS_SOCK_STREAM;
    if (c->sending) {
        return stream ? ztd_send_stream(s, c->v, c->n, c->flags) : ztd_send_datagram(s, c->v, c->n, c->has_addr ? c->addr : NULL);
    }

    if (stream) {
        *c->addr = s->remote;
        return ztd_receive_stream(s, c->v, c->n, c->flags);
    }

    return ztd_receive_datagram(s, c->v, c->n, c->flags, c->addr, c->full, c->out_flags);
}

static size_t length_of(const call* c)
{
    size_t total = 0;
    for (int i = 0; i < c->n; i++) {
        total += c->v[i].len;
    }

    return total;
}

/* A blocking call, which the engine must never make; it works, and is recorded. */
static ssize_t blocking(ztd_sock* s, call* c)
{
    ztd_counts[ZTD_C_BLOCKING]++;
    ztd_violation("blocking %s on descriptor %d", c->sending ? "send" : "recv", c->fd);
    long limit = c->sending ? s->sndtimeo_ms : s->rcvtimeo_ms;
    uint64_t deadline = limit > 0 ? ztd_now() + (uint64_t)limit : UINT64_MAX;
    size_t wanted = c->sending && s->type == ZTS_SOCK_STREAM && c->n == 1 ? length_of(c) : 0;
    size_t done = 0;
    while (true) {
        zts_iovec rest = { (char*)c->v[0].base + done, c->v[0].len - done };
        call part = *c;
        if (done > 0) {
            part.v = &rest;
        }

        ssize_t r = once(s, &part);
        if (r >= 0 && done + (size_t)r >= wanted) {
            return (ssize_t)done + r;
        }

        if (r >= 0) {
            done += (size_t)r;
        } else if (errno != ZTS_EAGAIN) {
            return r;
        } else if (ztd_wait(c->fd, c->sending ? ZTS_POLLOUT : ZTS_POLLIN, deadline) != 0) {
            return done > 0 ? (ssize_t)done : ztd_fail(ZTS_EAGAIN);
        }

        s = ztd_get(c->fd);
        if (s == NULL || !ztd_gate()) {
            return ztd_fail(ZTS_ECONNABORTED);
        }
    }
}

static ssize_t run(call* c)
{
    ssize_t result;
    bool valid = c->fd >= 0 && c->fd < ZTS_MAX_SOCKETS;
    atomic_int* inside = !valid ? NULL : c->sending ? &ztd_in[c->fd].writing : &ztd_in[c->fd].reading;
    bool second = inside != NULL && atomic_fetch_add(inside, 1) > 0;
    ztd_enter();
    ztd_sock* s = ztd_get(c->fd);
    if (!ztd_gate() || s == NULL) {
        result = ztd_gate() ? ztd_fail_errno(ZTS_EBADF) : ZTS_ERR_SERVICE;
    } else {
        ztd_thread_check(c->fd, c->sending ? "send" : "recv", false);
        if (second) {
            ztd_violation("two %s on descriptor %d at once", c->sending ? "senders" : "receivers", c->fd);
        }

        result = s->nonblocking || (c->flags & ZTS_MSG_DONTWAIT) != 0 ? once(s, c) : blocking(s, c);
    }

    if (inside != NULL) {
        atomic_fetch_sub(inside, 1);
    }

    ztd_leave();
    return result;
}

ZTS_API ssize_t zts_bsd_send(int fd, const void* buf, size_t len, int flags)
{
    zts_iovec v = { (void*)(uintptr_t)buf, len };
    return buf == NULL ? ZTS_ERR_ARG : run(&(call) { .fd = fd, .v = &v, .n = 1, .flags = flags, .sending = true });
}

ZTS_API ssize_t zts_bsd_write(int fd, const void* buf, size_t len) { return zts_bsd_send(fd, buf, len, 0); }

ZTS_API ssize_t zts_bsd_sendto(int fd, const void* buf, size_t len, int flags, const void* sa, uint32_t salen)
{
    zts_iovec v = { (void*)(uintptr_t)buf, len };
    ztd_addr to;
    if (buf == NULL || sa == NULL || salen < 16 || salen > 28) {
        return ZTS_ERR_ARG;
    }

    if ((salen != 16 && salen != 28) || !ztd_parse_sa(sa, &to)) {
        ztd_enter();
        int result = ztd_gate() ? ztd_fail(ZTS_EIO) : ZTS_ERR_SERVICE;
        ztd_leave();
        return result;
    }

    return run(&(call) { .fd = fd, .v = &v, .n = 1, .flags = flags, .sending = true, .addr = &to, .has_addr = true });
}

ZTS_API ssize_t zts_bsd_sendmsg(int fd, const zts_msghdr* m, int flags)
{
    ztd_addr to;
    if (m == NULL || m->iov == NULL) {
        return ZTS_ERR_ARG;
    }

    if ((flags & ~(ZTS_MSG_DONTWAIT | ZTS_MSG_MORE)) != 0) {
        return ztd_fail_errno(ZTS_EOPNOTSUPP);
    }

    bool named = m->name != NULL && ztd_parse_sa(m->name, &to);
    return run(&(call) { .fd = fd, .v = m->iov, .n = m->iovlen, .flags = flags, .sending = true, .addr = &to, .has_addr = named });
}

ZTS_API ssize_t zts_bsd_writev(int fd, const zts_iovec* v, int n)
{
    return v == NULL || n < 1 ? ZTS_ERR_ARG : run(&(call) { .fd = fd, .v = v, .n = n, .sending = true });
}

ZTS_API ssize_t zts_bsd_recvfrom(int fd, void* buf, size_t len, int flags, void* sa, uint32_t* salen)
{
    zts_iovec v = { buf, len };
    ztd_addr from = { 0 };
    if (buf == NULL) {
        return ZTS_ERR_ARG;
    }

    ssize_t n = run(&(call) { .fd = fd, .v = &v, .n = 1, .flags = flags, .addr = &from });
    if (n >= 0 && sa != NULL && salen != NULL) {
        ztd_put_sa(&from, from.family == ZTS_AF_INET && ((unsigned char*)sa)[1] == ZTS_AF_INET ? ZTS_AF_INET : ZTS_AF_INET6, sa, salen);
    }

    return n;
}

ZTS_API ssize_t zts_bsd_recv(int fd, void* buf, size_t len, int flags) { return zts_bsd_recvfrom(fd, buf, len, flags, NULL, NULL); }

ZTS_API ssize_t zts_bsd_read(int fd, void* buf, size_t len) { return zts_bsd_recvfrom(fd, buf, len, 0, NULL, NULL); }

ZTS_API ssize_t zts_bsd_recvmsg(int fd, zts_msghdr* m, int flags)
{
    ztd_addr from = { 0 };
    if (m == NULL || m->iov == NULL) {
        return ZTS_ERR_ARG;
    }

    if ((flags & ~(ZTS_MSG_DONTWAIT | ZTS_MSG_PEEK)) != 0) {
        return ztd_fail_errno(ZTS_EOPNOTSUPP);
    }

    m->flags = 0;
    ssize_t n = run(&(call) { .fd = fd, .v = m->iov, .n = m->iovlen, .flags = flags, .addr = &from, .full = true, .out_flags = &m->flags });
    if (n >= 0 && m->name != NULL) {
        ztd_put_sa(&from, ZTS_AF_INET6, m->name, &m->namelen);
    }

    return n;
}

ZTS_API ssize_t zts_bsd_readv(int fd, const zts_iovec* v, int n)
{
    ztd_addr from;
    if (v == NULL || n < 1) {
        return ZTS_ERR_ARG;
    }

    for (int i = 0; i < n; i++) {
        if (v[i].len == 0) {
            return ztd_fail(ZTS_EINVAL);
        }
    }

    return run(&(call) { .fd = fd, .v = v, .n = n, .addr = &from });
}
