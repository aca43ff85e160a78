/* poll and select over the kernel's poll, with libzt's bits and silences (chapter 4, 12.2). Neither writes zts_errno. */
#include "ztd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SPARE_WAKES = 16, TOLERATED_CLOSED = 3 };
static int spare[SPARE_WAKES];
static int spare_count;

static int wake_open(void) { return spare_count > 0 ? spare[--spare_count] : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

static void wake_close(int wake)
{
    uint64_t value;
    ssize_t drained = read(wake, &value, sizeof value);
    (void)drained;
    if (spare_count < SPARE_WAKES) {
        spare[spare_count++] = wake;
    } else {
        close(wake);
    }
}

static void wake(ztd_poller* p)
{
    uint64_t one = 1;
    ssize_t written = write(p->wake, &one, sizeof one);
    (void)written;
}

void ztd_wake_all(void)
{
    for (ztd_poller* p = ztd_pollers; p != NULL; p = p->next) {
        wake(p);
    }
}

void ztd_pollers_abort(void)
{
    for (ztd_poller* p = ztd_pollers; p != NULL; p = p->next) {
        p->aborted = true;
        wake(p);
    }

    while (spare_count > 0) {
        close(spare[--spare_count]);
    }
}

/* Closing a descriptor wakes whoever polls it: the engine's way to interrupt its poller. */
void ztd_poller_closing(int fd, short revents)
{
    for (ztd_poller* p = ztd_pollers; p != NULL; p = p->next) {
        for (unsigned int i = 0; i < p->n; i++) {
            if (p->fds[i].fd == fd && p->gens[i] == ztd_socks[fd].gen) {
                p->forced[i] = revents;
                ztd_counts[ZTD_C_POLL_WAKES]++;
                wake(p);
            }
        }
    }
}

/* What to ask the kernel about one descriptor; false when only our own state counts. */
static bool kernel_interest(ztd_sock* s, short events, struct pollfd* out)
{
    out->fd = -1;
    out->revents = 0;
    out->events = (short)(((events & ZTS_POLLIN) != 0 ? POLLIN : 0) | ((events & ZTS_POLLOUT) != 0 ? POLLOUT : 0));
    if (s->kfd < 0 || s->dead || s->ended) {
        return false;
    }

    if (s->type == ZTS_SOCK_STREAM) {
        if (s->state == ZTD_FRESH || (s->state == ZTD_CONNECTING && s->silent)) {
            return false;
        }

        if (s->state == ZTD_CONNECTING) {
            out->events = POLLOUT;
        } else if (s->state == ZTD_LISTENING) {
            out->events &= POLLIN;
        }
    } else {
        out->events &= POLLIN;   /* a UDP socket can always send */
    }

    out->fd = s->kfd;
    return true;
}

static short state_of(ztd_sock* s, short events, short kernel)
{
    if (s->dead) {
        /* Sticky. A failed connect shows ERR first and ERR with OUT later; a reset connection everything. */
        short all = s->connect_failed ? (s->dead_polls++ > 0 ? ZTS_POLLOUT : 0) : ZTS_POLLIN | ZTS_POLLOUT;
        return (short)((all & events) | ZTS_POLLERR);
    }

    if (s->type == ZTS_SOCK_DGRAM) {
        return (short)(((kernel & POLLIN) != 0 ? ZTS_POLLIN : 0) | (events & ZTS_POLLOUT));
    }

    if (s->state == ZTD_FRESH || s->state == ZTD_CONNECTING) {
        return 0;
    }

    if (s->state == ZTD_LISTENING) {
        return (short)((kernel & POLLIN) != 0 ? ZTS_POLLIN : 0);
    }

    if (s->shut_rd && s->shut_wr) {
        return (short)(((ZTS_POLLIN | ZTS_POLLOUT) & events) | ZTS_POLLERR);
    }

    short r = (short)(((kernel & POLLIN) != 0 ? ZTS_POLLIN : 0) | ((kernel & POLLOUT) != 0 ? ZTS_POLLOUT : 0));
    if (s->ended || (kernel & POLLHUP) != 0) {
        r |= ZTS_POLLIN | ZTS_POLLOUT;   /* after the end both stay set for ever; there is no HUP */
    }

    if (s->passive && (kernel & POLLHUP) != 0) {
        /* LAST_ACK became CLOSED: an error for lwIP, whatever is still unread; the active side has TIME-WAIT instead. */
        if (!s->over) {
            s->over = true;
            s->error = ZTS_ENOTCONN;
        }

        return (short)((r & events) | ZTS_POLLERR);
    }

    return (short)(r & events);
}

/* One look at everything. A closed descriptor reports nothing. */
static int look(ztd_poller* p, struct pollfd* k)
{
    int ready = 0;
    for (unsigned int i = 0; i < p->n; i++) {
        ztd_sock* s = ztd_get(p->fds[i].fd);
        k[i].fd = -1;
        k[i].revents = 0;
        if (s != NULL && s->gen == p->gens[i]) {
            ztd_progress(s);
            kernel_interest(s, p->fds[i].events, &k[i]);
        }
    }

    poll(k, p->n, 0);
    for (unsigned int i = 0; i < p->n; i++) {
        ztd_sock* s = ztd_get(p->fds[i].fd);
        short r = p->forced[i];
        if (r == 0 && s != NULL && s->gen == p->gens[i]) {
            if ((k[i].revents & (POLLERR | POLLOUT)) != 0 && s->type == ZTS_SOCK_STREAM && s->state != ZTD_LISTENING) {
                ztd_progress(s);
                if ((k[i].revents & POLLERR) != 0) {
                    ztd_take_error(s);
                }
            }

            r = state_of(s, p->fds[i].events, k[i].revents);
            if (r == 0 && (k[i].revents & (POLLHUP | POLLERR)) != 0) {
                k[i].fd = -1;   /* the kernel would report it again and again; nobody asked */
            }
        }

        p->fds[i].revents = r;
        ready += r != 0;
    }

    return ready;
}

static int wait_limit(const ztd_poller* p, uint64_t deadline, uint64_t now)
{
    uint64_t limit = deadline == UINT64_MAX ? 3600000 : deadline > now ? deadline - now : 0;
    for (unsigned int i = 0; i < p->n; i++) {
        ztd_sock* s = ztd_get(p->fds[i].fd);
        if (s != NULL && s->state == ZTD_CONNECTING && !s->dead && s->type == ZTS_SOCK_STREAM) {
            uint64_t left = s->connect_deadline > now ? s->connect_deadline - now : 1;
            limit = left < limit ? left : limit;
        } else if (s != NULL && limit > 10 && ztd_impatient(s)) {
            limit = 10;
        } else if (s != NULL && ztd_cfg.watch_peers && s->keepalive && limit > 50) {
            limit = 50;
        }
    }

    return (int)(limit > 3600000 ? 3600000 : limit);
}

static int wait_ready(ztd_poller* p, uint64_t deadline)
{
    struct pollfd* k = calloc(p->n + 1, sizeof *k);
    if (k == NULL) {
        abort();
    }

    p->wake = wake_open();
    p->next = ztd_pollers;
    ztd_pollers = p;
    int ready = 0;
    bool waited = false;
    while (!p->aborted) {
        /* With the gate closed nobody is woken any more (section 8). */
        bool open = ztd_gate();
        ready = open ? look(p, k) : 0;
        uint64_t now = ztd_now();
        if (ready > 0 || (waited && now >= deadline) || deadline <= now) {
            break;
        }

        for (unsigned int i = 0; i < p->n && !open; i++) {
            k[i].fd = -1;
        }

        k[p->n] = (struct pollfd) { .fd = p->wake, .events = POLLIN };
        int limit = wait_limit(p, deadline, now);
        ztd_leave();
        poll(k, p->n + 1, limit);
        ztd_enter();
        uint64_t value;
        ssize_t drained = read(p->wake, &value, sizeof value);
        (void)drained;
        waited = true;
    }

    for (ztd_poller** at = &ztd_pollers; *at != NULL; at = &(*at)->next) {
        if (*at == p) {
            *at = p->next;
            break;
        }
    }

    wake_close(p->wake);
    free(k);
    return ready;
}

/* For blocking calls: 0 when ready, -1 when the time is up. Enters and returns with the lock held. */
int ztd_wait(int fd, short events, uint64_t deadline)
{
    ztd_sock* s = ztd_get(fd);
    zts_pollfd one = { .fd = fd, .events = events };
    uint32_t gen = s != NULL ? s->gen : 0;
    short forced = 0;
    ztd_poller p = { .fds = &one, .n = 1, .gens = &gen, .forced = &forced };
    return wait_ready(&p, deadline) > 0 || p.aborted ? 0 : -1;
}

static void note_closed(int fd)
{
    /* Once may be the wake-up's spare, closed between the engine's look and its poll. */
    if (++ztd_socks[fd].closed_polls == TOLERATED_CLOSED) {
        ztd_violation("poll of the closed descriptor %d, %d times", fd, TOLERATED_CLOSED);
    }
}

ZTS_API int zts_bsd_poll(zts_pollfd* fds, unsigned int n, int timeout_ms)
{
    if (fds == NULL && n > 0) {
        return ZTS_ERR_ARG;
    }

    ztd_enter();
    if (!ztd_gate()) {
        ztd_leave();
        return ZTS_ERR_SERVICE;
    }

    ztd_counts[ZTD_C_POLLS]++;
    while (ztd_cfg.freeze != 0) {
        pthread_cond_wait(&ztd_changed, &ztd_lock);   /* as a caller of a stack whose own thread is stuck */
    }

    bool beyond = false;
    for (unsigned int i = 0; i < n; i++) {
        fds[i].revents = fds[i].fd >= ZTS_MAX_SOCKETS ? ZTS_POLLNVAL : 0;
        beyond = beyond || fds[i].fd >= ZTS_MAX_SOCKETS;
    }

    if (beyond) {
        ztd_violation("poll of a descriptor beyond the table");
        ztd_leave();
        return ztd_fail_errno(ZTS_EINVAL);
    }

    uint32_t* gens = calloc(n + 1, sizeof *gens);
    short* forced = calloc(n + 1, sizeof *forced);
    if (gens == NULL || forced == NULL) {
        abort();
    }

    for (unsigned int i = 0; i < n; i++) {
        ztd_sock* s = ztd_get(fds[i].fd);
        if (s != NULL) {
            gens[i] = s->gen;
            ztd_thread_check(fds[i].fd, "poll", true);
        } else if (fds[i].fd >= 0) {
            note_closed(fds[i].fd);
        }
    }

    ztd_poller p = { .fds = fds, .n = n, .gens = gens, .forced = forced };
    int ready = wait_ready(&p, timeout_ms < 0 ? UINT64_MAX : ztd_now() + (uint64_t)timeout_ms);
    ztd_leave();
    free(gens);
    free(forced);
    return ready;
}

static bool in_set(const zts_fd_set* set, int fd) { return set != NULL && (set->bits[fd / 8] >> (fd & 7) & 1) != 0; }

static void put(zts_fd_set* set, int fd, bool on)
{
    if (set != NULL && on) {
        set->bits[fd / 8] |= (unsigned char)(1 << (fd & 7));
    } else if (set != NULL) {
        set->bits[fd / 8] &= (unsigned char)~(1 << (fd & 7));
    }
}

ZTS_API int zts_bsd_select(int nfds, zts_fd_set* r, zts_fd_set* w, zts_fd_set* e, zts_timeval* t)
{
    zts_pollfd fds[ZTS_MAX_SOCKETS];
    unsigned int n = 0;
    if (nfds < 0 || nfds > ZTS_MAX_SOCKETS) {
        return ztd_fail_errno(ZTS_EINVAL);
    }

    for (int fd = 0; fd < nfds; fd++) {
        short events = (short)((in_set(r, fd) ? ZTS_POLLIN : 0) | (in_set(w, fd) ? ZTS_POLLOUT : 0));
        if (events != 0 || in_set(e, fd)) {
            fds[n++] = (zts_pollfd) { .fd = fd, .events = events };
        }
    }

    int ready = zts_bsd_poll(fds, n, t == NULL ? -1 : (int)(t->sec * 1000 + t->usec / 1000));
    if (ready < 0) {
        return ready;
    }

    int bits = 0;
    for (unsigned int i = 0; i < n; i++) {
        bool in = (fds[i].revents & ZTS_POLLIN) != 0 && in_set(r, fds[i].fd);
        bool out = (fds[i].revents & ZTS_POLLOUT) != 0 && in_set(w, fds[i].fd);
        bool err = (fds[i].revents & ZTS_POLLERR) != 0 && in_set(e, fds[i].fd);
        put(r, fds[i].fd, in);
        put(w, fds[i].fd, out);
        put(e, fds[i].fd, err);
        bits += in + out + err;
    }

    return bits;
}
