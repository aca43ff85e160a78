/* One attempt to send or to receive, under the lock; calls.c makes calls of them. */
#include "ztd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_VECTORS = 64, MAX_DATAGRAM = 2752 };

/* EAGAIN although poll says otherwise: eagain=n lets every n calls fail before one works. */
bool ztd_storm(ztd_sock* s)
{
    if (ztd_cfg.eagain <= 0) {
        return false;
    }

    if (s->storm < ztd_cfg.eagain) {
        s->storm++;
        ztd_counts[ZTD_C_EAGAIN]++;
        return true;
    }

    s->storm = 0;
    return false;
}

static int vectors(const zts_iovec* v, int n, struct iovec* out, size_t limit, size_t* total)
{
    int k = 0;
    *total = 0;
    for (int i = 0; i < n && k < MAX_VECTORS && *total < limit; i++) {
        size_t len = v[i].len < limit - *total ? v[i].len : limit - *total;
        if (len > 0) {
            out[k++] = (struct iovec) { v[i].base, len };
            *total += len;
        }
    }

    return k;
}

/* The pending error goes out once; after it the connection is simply not there. */
static int end_error(ztd_sock* s)
{
    int error = s->error != 0 ? s->error : ZTS_ENOTCONN;
    s->error = 0;
    s->ended = true;
    return ztd_fail(error);
}

static bool over_budget(ztd_sock* s, size_t n)
{
    s->bytes += n;
    if (ztd_cfg.reset_after > 0 && s->bytes >= (uint64_t)ztd_cfg.reset_after) {
        ztd_kill(s, ZTS_ECONNRESET);
        ztd_counts[ZTD_C_RESETS]++;
        return true;
    }

    return false;
}

ssize_t ztd_receive_stream(ztd_sock* s, const zts_iovec* v, int n, int flags)
{
    struct iovec iov[MAX_VECTORS];
    size_t total;
    ztd_progress(s);
    if (!s->dead && (s->state == ZTD_FRESH || s->state == ZTD_CONNECTING)) {
        return ztd_fail(ZTS_EAGAIN);
    }

    if (s->state == ZTD_LISTENING || s->ended) {
        return ztd_fail(ZTS_ENOTCONN);
    }

    if (ztd_storm(s)) {
        return ztd_fail(ZTS_EAGAIN);
    }

    if (s->kfd < 0) {
        return end_error(s);
    }

    struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)vectors(v, n, iov, SSIZE_MAX, &total) };
    ssize_t got = total == 0 ? -1 : recvmsg(s->kfd, &m, MSG_DONTWAIT | ((flags & ZTS_MSG_PEEK) != 0 ? MSG_PEEK : 0));
    if (total == 0) {
        struct pollfd p = { .fd = s->kfd, .events = POLLIN };   /* length 0 waits for data */
        return poll(&p, 1, 0) > 0 ? ztd_ok(0) : ztd_fail(ZTS_EAGAIN);
    }

    if (got > 0) {
        if ((flags & ZTS_MSG_PEEK) == 0) {
            ztd_counts[ZTD_C_RECVS]++;
            ztd_counts[ZTD_C_BYTES_RECEIVED] += got;
            over_budget(s, (size_t)got);
        }

        zts_errno = 0;
        return got;
    }

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return s->dead ? end_error(s) : ztd_fail(ZTS_EAGAIN);
    }

    if (got < 0 && !s->dead) {
        s->dead = true;
        s->error = ZTS_ECONNRESET;
        ztd_counts[ZTD_C_RESETS]++;
    }

    if (s->dead) {
        return end_error(s);
    }

    s->ended = true;   /* 0 once, with 107 in zts_errno; then -1/107 */
    zts_errno = ZTS_ENOTCONN;
    return 0;
}

static bool same(const ztd_addr* a, const ztd_addr* b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

/* Both families of a node share one kernel address, so each datagram begins with a byte that says to which it was sent. */
ssize_t ztd_receive_datagram(ztd_sock* s, const zts_iovec* v, int n, int flags, ztd_addr* from, bool full, int* out_flags)
{
    unsigned char family;
    struct iovec iov[1 + MAX_VECTORS] = { { &family, 1 } };
    size_t total;
    if (ztd_storm(s) || s->kfd < 0) {
        return ztd_fail(ZTS_EAGAIN);
    }

    while (true) {
        struct sockaddr_in a;
        struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a, .msg_iov = iov, .msg_iovlen = 1 + (size_t)vectors(v, n, iov + 1, SSIZE_MAX, &total) };
        ssize_t got = recvmsg(s->kfd, &m, MSG_DONTWAIT | MSG_TRUNC | ((flags & ZTS_MSG_PEEK) != 0 ? MSG_PEEK : 0));
        if (got < 1) {
            return ztd_fail(ZTS_EAGAIN);
        }

        got--;
        *from = ztd_virtual_addr(s->net, family, &a);
        if (s->remote.family != 0 && !same(from, &s->remote)) {
            continue;          /* a connected socket hears one peer only */
        }

        ztd_counts[ZTD_C_DATAGRAMS_RECEIVED]++;
        ztd_contact(s->net, from);
        if ((size_t)got > total && out_flags != NULL) {
            *out_flags |= ZTS_MSG_TRUNC;
        }

        zts_errno = 0;
        return full || (size_t)got < total ? got : (ssize_t)total;
    }
}

ssize_t ztd_send_stream(ztd_sock* s, const zts_iovec* v, int n, int flags)
{
    struct iovec iov[MAX_VECTORS];
    size_t total;
    ztd_progress(s);
    if (s->dead) {
        return s->connect_failed || s->error == 0 ? ztd_fail(ZTS_ENOTCONN) : end_error(s);
    }

    if (s->state != ZTD_CONNECTED || s->shut_wr) {
        return ztd_fail(s->state == ZTD_CONNECTING ? ZTS_EINPROGRESS : ZTS_ENOTCONN);
    }

    if (ztd_storm(s)) {
        return ztd_fail(ZTS_EAGAIN);
    }

    if (ztd_cfg.send_error != 0 && ztd_cfg.send_error_count != 0) {
        ztd_cfg.send_error_count -= ztd_cfg.send_error_count > 0;
        return ztd_fail((int)ztd_cfg.send_error);
    }

    struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)vectors(v, n, iov, ztd_cfg.partial > 0 ? (size_t)ztd_cfg.partial : SSIZE_MAX, &total) };
    if (total == 0) {
        return ztd_ok(0);
    }

    if (s->kfd < 0) {
        return end_error(s);
    }

    ssize_t sent = sendmsg(s->kfd, &m, MSG_DONTWAIT | MSG_NOSIGNAL | ((flags & ZTS_MSG_MORE) != 0 ? MSG_MORE : 0));
    if (sent >= 0) {
        ztd_counts[ZTD_C_SENDS]++;
        ztd_counts[ZTD_C_BYTES_SENT] += sent;
        over_budget(s, (size_t)sent);
        zts_errno = 0;
        return sent;
    }

    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) {
        return ztd_fail(ZTS_EAGAIN);
    }

    s->dead = true;
    s->error = ZTS_ECONNRESET;
    ztd_counts[ZTD_C_RESETS]++;
    return end_error(s);
}

ssize_t ztd_send_datagram(ztd_sock* s, const zts_iovec* v, int n, const ztd_addr* to)
{
    unsigned char family;
    struct iovec iov[1 + MAX_VECTORS] = { { &family, 1 } };
    struct sockaddr_in a;
    uint32_t host24;
    size_t total;
    struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a, .msg_iov = iov, .msg_iovlen = 1 + (size_t)vectors(v, n, iov + 1, SSIZE_MAX, &total) };
    to = to != NULL ? to : &s->remote;
    if (to->family == 0) {
        return ztd_fail(ZTS_EINVAL);
    }

    if (total >= 65507) {
        return ztd_fail(total > 65535 ? ZTS_EMSGSIZE : total > 65507 ? ZTS_ENOMEM : ZTS_ENOBUFS);
    }

    ztd_net* net = ztd_route(to, &host24);
    if (net == NULL || ztd_now() < net->addr_since + (uint64_t)ztd_cfg.dad || (s->net != 0 && s->net != net->id)) {
        return ztd_fail(ZTS_EHOSTUNREACH);
    }

    if (ztd_storm(s)) {
        return ztd_fail(ZTS_EAGAIN);
    }

    if (s->kfd < 0 && !s->bound) {
        if (!ztd_bind_kernel(s, net, (uint32_t)(ztd_n.id & 0xffffff), 0)) {
            return ztd_fail(ZTS_ENOBUFS);
        }

        s->local.family = to->family;
        s->bound = true;
    }

    ztd_contact(net->id, to);
    ztd_counts[ZTD_C_DATAGRAMS_SENT]++;
    /* Fragments do not arrive on an ad-hoc network (section 9), and nobody is told. */
    if (total > MAX_DATAGRAM || s->kfd < 0 || host24 > 0xffffff || ztd_is_own(net, host24) || ztd_cfg.vanish) {
        ztd_counts[ZTD_C_DATAGRAMS_DROPPED]++;
        return ztd_ok((int)total);
    }

    family = (unsigned char)to->family;
    ztd_kernel_addr(net->id, host24, to->port, &a);
    if (sendmsg(s->kfd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        ztd_counts[ZTD_C_DATAGRAMS_DROPPED]++;
    }

    return ztd_ok((int)total);
}
