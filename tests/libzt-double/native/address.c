/* The common beginning of calls on a descriptor, and socket addresses in and out. */
#include "ztd.h"

#include <string.h>

/* Enters the lock and finds the socket; else the result is final and the lock is free. */
ztd_sock* ztd_begin(int fd, const char* call, int* result)
{
    ztd_enter();
    ztd_sock* s = ztd_get(fd);
    if (ztd_gate() && s != NULL) {
        ztd_thread_check(fd, call, false);
        return s;
    }

    *result = ztd_gate() ? ztd_fail_errno(ZTS_EBADF) : ZTS_ERR_SERVICE;
    ztd_leave();
    return NULL;
}

/* 0, or what the caller gets: the two length checks, the alignment, the family (section 3). */
int ztd_check_sa(const ztd_sock* s, const void* sa, uint32_t len)
{
    if (len != 16 && len != 28) {
        return ztd_fail(ZTS_EIO);
    }

    if ((uintptr_t)sa % 4 != 0) {
        return ztd_fail(ZTS_EIO);
    }

    int family = ((const unsigned char*)sa)[1];
    return family == s->family || family == 0 ? 0 : ztd_fail(ZTS_EINVAL);
}

bool ztd_parse_sa(const void* sa, ztd_addr* out)
{
    const unsigned char* b = sa;
    memset(out, 0, sizeof *out);
    out->family = b[1];
    out->port = (uint16_t)(b[2] << 8 | b[3]);
    if (b[1] == ZTS_AF_INET) {
        memcpy(out->ip, b + 4, 4);
        return true;
    }

    static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    if (memcmp(b + 8, mapped, 12) == 0) {
        out->family = ZTS_AF_INET;
        memcpy(out->ip, b + 20, 4);
    } else {
        memcpy(out->ip, b + 8, 16);
    }

    return b[1] == ZTS_AF_INET6;
}

/* lwIP's output: the length byte is set, IPv4 appears mapped on a dual-stack socket. */
void ztd_put_sa(const ztd_addr* from, int family, void* sa, uint32_t* len)
{
    unsigned char b[28] = { 0 };
    b[0] = family == ZTS_AF_INET ? 16 : 28;
    b[1] = (unsigned char)family;
    b[2] = (unsigned char)(from->port >> 8);
    b[3] = (unsigned char)from->port;
    if (family == ZTS_AF_INET) {
        memcpy(b + 4, from->ip, 4);
    } else if (from->family == ZTS_AF_INET) {
        b[18] = b[19] = 0xff;
        memcpy(b + 20, from->ip, 4);
    } else {
        memcpy(b + 8, from->ip, 16);
    }

    memcpy(sa, b, *len < b[0] ? *len : b[0]);
    *len = b[0];
}
