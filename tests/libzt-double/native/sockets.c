/* The table of descriptors: lowest free number, reused at once, 1024 in all; and what kills the ones in it. */
#include "ztd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static uint32_t generation;

ztd_sock* ztd_get(int fd) { return fd >= 0 && fd < ZTS_MAX_SOCKETS && ztd_socks[fd].used ? &ztd_socks[fd] : NULL; }

static int open_count(void)
{
    int n = 0;
    for (int i = 0; i < ZTS_MAX_SOCKETS; i++) {
        n += ztd_socks[i].used;
    }

    return n;
}

int ztd_sockets_open(void) { return open_count(); }

static void kernel_defaults(int kfd, int type)
{
    int one = 1;
    if (type == ZTS_SOCK_STREAM) {
        /* lwIP's 176 640 bytes of send buffer and about 348 KB at the receiver; the kernel doubles both. */
        int send = 176640 / 2, receive = 348 * 1024 / 2;
        setsockopt(kfd, SOL_SOCKET, SO_SNDBUF, &send, sizeof send);
        setsockopt(kfd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
        setsockopt(kfd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
}

ztd_sock* ztd_alloc(int family, int type, int* fd)
{
    int i = 0;
    while (i < ZTS_MAX_SOCKETS && ztd_socks[i].used) {
        i++;
    }

    if (i >= ZTS_MAX_SOCKETS || open_count() >= ztd_cfg.sockets) {
        return NULL;
    }

    ztd_sock* s = &ztd_socks[i];
    memset(s, 0, sizeof *s);
    s->used = true;
    s->kfd = -1;
    s->family = family;
    s->type = type;
    s->gen = ++generation;
    s->ttl = 255;
    s->keepidle_ms = 7200000;
    s->keepintvl_s = 75;
    s->keepcnt = 9;
    s->rcvbuf = 2147483647;
    s->owner = gettid();
    *fd = i;
    long open = ztd_counts[ZTD_C_SOCKETS] = open_count();
    ztd_counts[ZTD_C_SOCKETS_OPENED]++;
    if (open > ztd_counts[ZTD_C_SOCKETS_MAX]) {
        ztd_counts[ZTD_C_SOCKETS_MAX] = open;
    }

    return s;
}

/* One thread per descriptor; only the wake-up's spare, a UDP socket without a peer, may be closed by others. */
void ztd_thread_check(int fd, const char* call, bool spare_ok)
{
    ztd_sock* s = ztd_get(fd);
    if (s != NULL && s->owner == 0) {
        s->owner = gettid();
    }

    if (s == NULL || s->owner == gettid() || s->told_thread || (spare_ok && s->type == ZTS_SOCK_DGRAM && s->remote.family == 0 && !s->bound)) {
        return;
    }

    s->told_thread = true;
    ztd_violation("%s on descriptor %d by a second thread", call, fd);
}

static void reset_kernel(ztd_sock* s)
{
    if (s->kfd >= 0) {
        struct linger hard = { 1, 0 };
        setsockopt(s->kfd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(s->kfd);
        s->kfd = -1;
    }
}

/* The connection is gone, the descriptor stays: lwIP's err callback. */
void ztd_kill(ztd_sock* s, int error)
{
    reset_kernel(s);
    s->connect_failed = s->state == ZTD_CONNECTING;
    s->dead = true;
    s->error = error;
}

/* The kernel's verdict on a socket that polls as failed. */
void ztd_take_error(ztd_sock* s)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (s->kfd < 0 || getsockopt(s->kfd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error == 0) {
        return;
    }

    s->connect_failed = s->state == ZTD_CONNECTING;
    s->dead = true;
    s->error = error == ETIMEDOUT ? ZTS_ECONNABORTED : error == EHOSTUNREACH || error == ENETUNREACH ? ZTS_EHOSTUNREACH : ZTS_ECONNRESET;
    ztd_counts[ZTD_C_RESETS]++;
    if (s->connect_failed) {
        reset_kernel(s);
    }
}

static void watch_peer(ztd_sock* s, uint64_t now)
{
    uint32_t host24;
    ztd_net* net = ztd_route(&s->remote, &host24);
    if (net == NULL || ztd_present(net->id, host24)) {
        s->absent_since = 0;
    } else if (s->absent_since == 0) {
        s->absent_since = now;
    } else if (now - s->absent_since >= (uint64_t)s->keepidle_ms + (uint64_t)s->keepintvl_s * 1000 * (uint64_t)s->keepcnt) {
        ztd_kill(s, ZTS_ECONNABORTED);   /* keepalive gave up, 12.10 */
    }
}

bool ztd_impatient(const ztd_sock* s)
{
    return s->type == ZTS_SOCK_STREAM && s->state == ZTD_CONNECTED && !s->dead && !s->shut_wr && s->keepalive && s->keepidle_ms == 0
        && s->keepintvl_s * s->keepcnt == 0;
}

/* Brings the state up to date: a connect that ended, a time that ran out. */
void ztd_progress(ztd_sock* s)
{
    uint64_t now = ztd_now();
    if (s->dead) {
        return;
    }

    if (ztd_impatient(s)) {
        /* Keepalive without patience: at the next slow tick the peer counts as dead and is told so. */
        s->impatient_since = s->impatient_since != 0 ? s->impatient_since : now;
        if (now - s->impatient_since >= (uint64_t)ztd_cfg.slow_tick) {
            ztd_kill(s, ZTS_ECONNABORTED);
        }

        return;
    }

    if (s->state == ZTD_CONNECTED && ztd_cfg.watch_peers && s->keepalive) {
        watch_peer(s, now);
        return;
    }

    if (s->state != ZTD_CONNECTING || s->type != ZTS_SOCK_STREAM) {
        return;
    }

    if (s->silent) {
        if (now >= s->connect_deadline) {
            ztd_kill(s, ZTS_ECONNABORTED);
        }

        return;
    }

    struct pollfd p = { .fd = s->kfd, .events = POLLOUT };
    if (poll(&p, 1, 0) <= 0) {
        if (now >= s->connect_deadline) {
            ztd_kill(s, ZTS_ECONNABORTED);
        }

        return;
    }

    ztd_take_error(s);
    if (!s->dead) {
        struct sockaddr_in a;
        socklen_t len = sizeof a;
        getsockname(s->kfd, (struct sockaddr*)&a, &len);
        s->local = ztd_virtual_addr(s->net, s->remote.family, &a);
        if (s->local.family == ZTS_AF_INET6) {
            ztd_sixplane(s->net, ztd_n.id, s->local.ip);
        }

        s->state = ZTD_CONNECTED;
        ztd_contact(s->net, &s->remote);
    }
}

/* The interface goes: connections are aborted, listeners hear nothing more. */
static void take_interface(ztd_sock* s)
{
    if (s->type == ZTS_SOCK_STREAM && (s->state == ZTD_CONNECTED || s->state == ZTD_CONNECTING)) {
        if (!s->dead) {
            ztd_kill(s, ZTS_ECONNABORTED);
        }
    } else {
        reset_kernel(s);
    }
}

void ztd_kill_network(uint64_t net)
{
    for (int i = 0; i < ZTS_MAX_SOCKETS; i++) {
        if (ztd_socks[i].used && ztd_socks[i].net == net) {
            take_interface(&ztd_socks[i]);
        }
    }

    ztd_wake_all();
}

/* The node stopped under its sockets: nobody who waits is woken (section 8). */
void ztd_kill_all(void)
{
    for (int i = 0; i < ZTS_MAX_SOCKETS; i++) {
        if (ztd_socks[i].used && ztd_socks[i].net != 0) {
            take_interface(&ztd_socks[i]);
        }
    }
}

/* What an earlier session left open belongs to whoever comes first. */
void ztd_sockets_adopt(void)
{
    for (int i = 0; i < ZTS_MAX_SOCKETS; i++) {
        ztd_socks[i].owner = 0;
    }
}

void ztd_sockets_clear(void)
{
    for (int i = 0; i < ZTS_MAX_SOCKETS; i++) {
        if (ztd_socks[i].used) {
            reset_kernel(&ztd_socks[i]);
        }

        memset(&ztd_socks[i], 0, sizeof ztd_socks[i]);
        ztd_socks[i].kfd = -1;
    }
}

static int kernel_socket(int type)
{
    int kfd = socket(AF_INET, (type == ZTS_SOCK_STREAM ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (kfd >= 0) {
        kernel_defaults(kfd, type);
    }

    return kfd;
}

/* The kernel's socket comes when it is first needed. Port 0 is the kernel's choice; only a port that was named may be shared. */
bool ztd_bind_kernel(ztd_sock* s, ztd_net* net, uint32_t host24, uint16_t port)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    int one = 1;
    if (port >= 64512) {
        errno = EADDRINUSE;   /* taken by the moved low ports (route.c) */
        return false;
    }

    s->kfd = kernel_socket(s->type);
    if (s->kfd < 0) {
        return false;
    }

    if (s->reuse) {
        setsockopt(s->kfd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (port != 0) {
            setsockopt(s->kfd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
        }
    }

    ztd_kernel_addr(net->id, host24, port, &a);
    if (bind(s->kfd, (struct sockaddr*)&a, sizeof a) != 0) {
        int error = errno;
        close(s->kfd);
        s->kfd = -1;
        errno = error;
        return false;
    }

    if (s->reuse && port == 0) {
        setsockopt(s->kfd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    }

    getsockname(s->kfd, (struct sockaddr*)&a, &len);
    s->local.port = port != 0 ? port : ntohs(a.sin_port);
    s->net = net->id;
    return true;
}

ZTS_API int zts_bsd_socket(int family, int type, int protocol)
{
    int fd;
    (void)protocol;
    ztd_enter();
    if (!ztd_gate()) {
        ztd_leave();
        return ZTS_ERR_SERVICE;
    }

    /* zts_errno is never touched here (4.8). */
    int result;
    if (type != ZTS_SOCK_STREAM && type != ZTS_SOCK_DGRAM) {
        result = ztd_fail_errno(type == 3 ? ZTS_ENOBUFS : ZTS_EINVAL);
    } else if (ztd_alloc(family == ZTS_AF_INET ? ZTS_AF_INET : ZTS_AF_INET6, type, &fd) == NULL) {
        result = ztd_fail_errno(ZTS_ENFILE);
    } else {
        result = fd;
    }

    ztd_leave();
    return result;
}

ZTS_API int zts_bsd_close(int fd)
{
    bool inside = fd >= 0 && fd < ZTS_MAX_SOCKETS
        && (atomic_load(&ztd_in[fd].reading) > 0 || atomic_load(&ztd_in[fd].writing) > 0 || atomic_load(&ztd_in[fd].connecting) > 0);
    ztd_enter();
    ztd_sock* s = ztd_get(fd);
    if (!ztd_gate() || s == NULL) {
        int result = ztd_gate() ? ztd_fail_errno(ZTS_EBADF) : ZTS_ERR_SERVICE;
        ztd_leave();
        return result;
    }

    ztd_thread_check(fd, "close", true);
    if (inside) {
        ztd_violation("close of descriptor %d while another call is inside it: the stack would freeze", fd);
    }

    bool pending = false;
    if (s->linger_on && s->kfd >= 0 && s->type == ZTS_SOCK_STREAM && s->state == ZTD_CONNECTED) {
        int queued = 0;
        pending = ioctl(s->kfd, SIOCOUTQ, &queued) == 0 && queued > 0;
    }

    if (pending && s->linger_s > 0 && s->nonblocking) {
        int result = ztd_fail(ZTS_EAGAIN);   /* 12.7: the descriptor stays */
        ztd_leave();
        return result;
    }

    if (pending && s->linger_s == 0) {
        reset_kernel(s);   /* only with bytes that the peer has not acknowledged; an idle connection ends with FIN */
    } else if (s->kfd >= 0) {
        close(s->kfd);   /* with unread data the kernel resets, as lwIP does */
    }

    ztd_poller_closing(fd, s->type == ZTS_SOCK_DGRAM ? ZTS_POLLIN : ZTS_POLLIN | ZTS_POLLERR);
    s->used = false;
    s->kfd = -1;
    s->closed_polls = 0;
    ztd_counts[ZTD_C_SOCKETS] = open_count();
    errno = ZTS_EBADF;   /* a successful close leaves 9 behind (section 8) */
    ztd_leave();
    return ZTS_ERR_OK;
}
