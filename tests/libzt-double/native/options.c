/* Options, fcntl and ioctl, with libzt's own numbers (chapter 4, section 5). */
#include "ztd.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    SOL = 0x0fff, O_NONBLOCK_BIT = 1,
    SO_ACCEPTCONN_ = 2, SO_REUSEADDR_ = 4, SO_KEEPALIVE_ = 8, SO_BROADCAST_ = 0x20, SO_LINGER_ = 0x80, SO_RCVBUF_ = 0x1002,
    SO_SNDTIMEO_ = 0x1005, SO_RCVTIMEO_ = 0x1006, SO_ERROR_ = 0x1007, SO_TYPE_ = 0x1008,
    TCP_NODELAY_ = 1, TCP_KEEPALIVE_ = 2, TCP_KEEPIDLE_ = 3, TCP_KEEPINTVL_ = 4, TCP_KEEPCNT_ = 5,
    IP_TOS_ = 1, IP_TTL_ = 2, IPV6_V6ONLY_ = 27,
};

/* The plain integers; null for what has another form or does not exist. */
static int* field(ztd_sock* s, int level, int name, bool* pcb)
{
    bool stream = s->type == ZTS_SOCK_STREAM;
    *pcb = level == 6 || (level == SOL && (name == SO_KEEPALIVE_ || name == SO_BROADCAST_)) || level == 0;
    if (level == SOL) {
        return name == SO_KEEPALIVE_ ? &s->keepalive : name == SO_BROADCAST_ && !stream ? &s->broadcast : name == SO_RCVBUF_ ? &s->rcvbuf : NULL;
    }

    if (level == 0) {
        return name == IP_TTL_ ? &s->ttl : name == IP_TOS_ ? &s->tos : NULL;
    }

    if (level == 41) {
        return name == IPV6_V6ONLY_ ? &s->v6only : NULL;
    }

    if (level != 6 || !stream) {
        return NULL;
    }

    return name == TCP_NODELAY_ ? &s->nodelay : name == TCP_KEEPALIVE_ ? &s->keepidle_ms : name == TCP_KEEPINTVL_ ? &s->keepintvl_s
        : name == TCP_KEEPCNT_ ? &s->keepcnt : NULL;
}

/* Keepalive and TCP options need a living connection block: not one that died, and TCP's not on a listener. */
static bool no_pcb(const ztd_sock* s, int level) { return s->dead || (level == 6 && s->state == ZTD_LISTENING); }

static int set_locked(ztd_sock* s, int level, int name, const void* v, uint32_t len)
{
    bool pcb;
    int value;
    if (level == SOL && name == SO_LINGER_) {
        zts_linger l;
        if (len < sizeof l) {
            return ztd_fail(ZTS_EINVAL);
        }

        memcpy(&l, v, sizeof l);
        s->linger_on = l.on != 0 && l.seconds <= 32767;
        s->linger_s = l.seconds;
        return ztd_ok(0);
    }

    if (level == SOL && (name == SO_SNDTIMEO_ || name == SO_RCVTIMEO_)) {
        zts_timeval t;
        if (len < sizeof t) {
            return ztd_fail(ZTS_EINVAL);
        }

        memcpy(&t, v, sizeof t);
        *(name == SO_SNDTIMEO_ ? &s->sndtimeo_ms : &s->rcvtimeo_ms) = t.sec * 1000 + t.usec / 1000;
        return ztd_ok(0);
    }

    bool idle = level == 6 && name == TCP_KEEPIDLE_ && s->type == ZTS_SOCK_STREAM;
    bool reuse = level == SOL && name == SO_REUSEADDR_;
    int* at = field(s, level, name, &pcb);
    if (at == NULL && !idle && !reuse) {
        return ztd_fail(ZTS_ENOPROTOOPT);
    }

    if (len < sizeof value || ((pcb || idle) && no_pcb(s, level))) {
        return ztd_fail(ZTS_EINVAL);
    }

    memcpy(&value, v, sizeof value);
    if (idle) {
        s->keepidle_ms = value * 1000;
    } else if (reuse) {
        s->reuse = value != 0;
    } else {
        *at = value;
    }

    return ztd_ok(0);
}

static int get_locked(ztd_sock* s, int level, int name, void* v, uint32_t* len)
{
    bool pcb;
    int value;
    if (level == SOL && name == SO_LINGER_) {
        zts_linger l = { s->linger_on, s->linger_s };
        if (*len < sizeof l) {
            return ztd_fail(ZTS_EINVAL);
        }

        memcpy(v, &l, sizeof l);
        return ztd_ok(0);
    }

    if (level == SOL && (name == SO_SNDTIMEO_ || name == SO_RCVTIMEO_)) {
        long ms = name == SO_SNDTIMEO_ ? s->sndtimeo_ms : s->rcvtimeo_ms;
        zts_timeval t = { ms / 1000, ms % 1000 * 1000 };
        if (*len < sizeof t) {
            return ztd_fail(ZTS_EINVAL);
        }

        memcpy(v, &t, sizeof t);
        return ztd_ok(0);
    }

    int* at = field(s, level, name, &pcb);
    if (level == SOL && name == SO_ERROR_) {
        ztd_progress(s);
        ztd_take_error(s);
        value = s->error;
        s->error = 0;
    } else if (level == SOL && name == SO_TYPE_) {
        value = s->type;
    } else if (level == SOL && name == SO_ACCEPTCONN_) {
        value = s->state == ZTD_LISTENING;
    } else if (level == SOL && name == SO_REUSEADDR_) {
        value = s->reuse;
    } else if (level == 6 && name == TCP_KEEPIDLE_ && s->type == ZTS_SOCK_STREAM) {
        value = s->keepidle_ms / 1000;
    } else if (at != NULL) {
        if (pcb && no_pcb(s, level)) {
            return ztd_fail(ZTS_EINVAL);
        }

        value = *at;
    } else {
        return ztd_fail(ZTS_ENOPROTOOPT);
    }

    if (*len < sizeof value) {
        return ztd_fail(ZTS_EINVAL);
    }

    memcpy(v, &value, sizeof value);
    return ztd_ok(0);
}

ZTS_API int zts_bsd_setsockopt(int fd, int level, int name, const void* value, uint32_t len)
{
    int result;
    if (value == NULL) {
        return ZTS_ERR_ARG;
    }

    ztd_sock* s = ztd_begin(fd, "setsockopt", &result);
    if (s != NULL) {
        result = set_locked(s, level, name, value, len);
        ztd_leave();
    }

    return result;
}

ZTS_API int zts_bsd_getsockopt(int fd, int level, int name, void* value, uint32_t* len)
{
    int result;
    if (value == NULL || len == NULL) {
        return ZTS_ERR_ARG;
    }

    ztd_sock* s = ztd_begin(fd, "getsockopt", &result);
    if (s != NULL) {
        result = get_locked(s, level, name, value, len);
        ztd_leave();
    }

    return result;
}

ZTS_API int zts_bsd_fcntl(int fd, int cmd, int flags)
{
    int result;
    ztd_sock* s = ztd_begin(fd, "fcntl", &result);
    if (s == NULL) {
        return result;
    }

    if (cmd == 3) {
        result = ztd_ok((s->nonblocking ? O_NONBLOCK_BIT : 0) | (s->shut_rd ? 0 : 2) | (s->shut_wr ? 0 : 4));
    } else if (cmd == 4 && (flags & ~(O_NONBLOCK_BIT | 6)) == 0) {
        s->nonblocking = (flags & O_NONBLOCK_BIT) != 0;
        result = ztd_ok(0);
    } else {
        result = ztd_fail(ZTS_ENOSYS);
    }

    ztd_leave();
    return result;
}

ZTS_API int zts_bsd_ioctl(int fd, unsigned long request, void* arg)
{
    int result, value = 0;
    const unsigned long size = (unsigned long)sizeof(long) << 16;   /* the size of unsigned long is encoded */
    if (arg == NULL) {
        return ZTS_ERR_ARG;
    }

    ztd_sock* s = ztd_begin(fd, "ioctl", &result);
    if (s == NULL) {
        return result;
    }

    if (request == (0x4000667FUL | size)) {
        if (s->kfd >= 0) {
            ioctl(s->kfd, FIONREAD, &value);
        }

        memcpy(arg, &value, sizeof value);
        result = ztd_ok(0);
    } else if (request == (0x8000667EUL | size)) {
        memcpy(&value, arg, sizeof value);
        s->nonblocking = value != 0;
        result = ztd_ok(0);
    } else {
        result = ztd_fail(ZTS_ENOSYS);
    }

    ztd_leave();
    return result;
}
