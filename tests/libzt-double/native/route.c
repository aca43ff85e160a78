/*
 * Virtual addresses and the kernel's. A member of a network is 127.a.b.c, where a.b.c are the low 24 bits of its node address, mixed with a digest of
 * the network: nodes of several processes reach each other over loopback, and only on the same network. Ports are the same, but for those below
 * 1024, which need a privilege: they move to 64512 and up, where virtual ports are therefore missing.
 * That a node is there at all is told by a bound abstract socket; without one a SYN gets no answer, as from a dead host.
 */
#include "ztd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOVED = 64512 };

static uint32_t digest(uint64_t net)
{
    uint64_t x = net * 0x9e3779b97f4a7c15ULL;
    return (uint32_t)(x >> 40);
}

/* Chapter 3.1.3: fc, the folded network, the member, ::1. */
void ztd_sixplane(uint64_t net, uint64_t node, unsigned char* ip)
{
    uint32_t fold = (uint32_t)(net ^ net >> 32);
    memset(ip, 0, 16);
    ip[0] = 0xfc;
    for (int i = 0; i < 4; i++) {
        ip[1 + i] = (unsigned char)(fold >> (24 - 8 * i));
    }

    for (int i = 0; i < 5; i++) {
        ip[5 + i] = (unsigned char)(node >> (32 - 8 * i));
    }

    ip[15] = 1;
}

void ztd_rfc4193(uint64_t net, uint64_t node, unsigned char* ip)
{
    ip[0] = 0xfd;
    for (int i = 0; i < 8; i++) {
        ip[1 + i] = (unsigned char)(net >> (56 - 8 * i));
    }

    ip[9] = 0x99;
    ip[10] = 0x93;
    for (int i = 0; i < 5; i++) {
        ip[11 + i] = (unsigned char)(node >> (32 - 8 * i));
    }
}

/* The network whose prefix holds the address, and the member's 24 bits; 0xffffffff for an address inside the prefix that no member has. */
ztd_net* ztd_route(const ztd_addr* to, uint32_t* host24)
{
    for (int i = 0; i < ztd_n.net_count; i++) {
        ztd_net* net = &ztd_n.nets[i];
        ztd_addr own[2];
        int prefix[2];
        int n = ztd_net_addresses(net, own, prefix);
        for (int k = 0; k < n; k++) {
            if (own[k].family != to->family) {
                continue;
            }

            if (to->family == ZTS_AF_INET && to->ip[0] == own[k].ip[0]) {
                *host24 = (uint32_t)to->ip[1] << 16 | (uint32_t)to->ip[2] << 8 | to->ip[3];
                return net;
            }

            if (to->family == ZTS_AF_INET6 && memcmp(to->ip, own[k].ip, 5) == 0) {
                static const unsigned char one[6] = { 0, 0, 0, 0, 0, 1 };
                *host24 = memcmp(to->ip + 10, one, 6) == 0 ? (uint32_t)to->ip[7] << 16 | (uint32_t)to->ip[8] << 8 | to->ip[9] : 0xffffffff;
                return net;
            }
        }
    }

    return NULL;
}

bool ztd_is_own(const ztd_net* net, uint32_t host24)
{
    (void)net;
    return host24 == (uint32_t)(ztd_n.id & 0xffffff);
}

void ztd_kernel_addr(uint64_t net, uint32_t host24, uint16_t port, struct sockaddr_in* out)
{
    memset(out, 0, sizeof *out);
    out->sin_family = AF_INET;
    out->sin_port = htons(port != 0 && port < 1024 ? (uint16_t)(MOVED + port) : port);
    out->sin_addr.s_addr = htonl(0x7f000000u | ((host24 ^ digest(net)) & 0xffffff));
}

ztd_addr ztd_virtual_addr(uint64_t net, int family, const struct sockaddr_in* in)
{
    ztd_addr out = { .family = family };
    uint32_t host24 = (ntohl(in->sin_addr.s_addr) & 0xffffff) ^ (digest(net) & 0xffffff);
    uint16_t port = ntohs(in->sin_port);
    out.port = port >= MOVED ? (uint16_t)(port - MOVED) : port;
    if (family == ZTS_AF_INET) {
        out.ip[0] = (unsigned char)(net >> 48);
        out.ip[1] = (unsigned char)(host24 >> 16);
        out.ip[2] = (unsigned char)(host24 >> 8);
        out.ip[3] = (unsigned char)host24;
    } else {
        ztd_sixplane(net, 0xdb00000000ULL | host24, out.ip);
    }

    return out;
}

static void presence_name(uint64_t net, uint32_t host24, struct sockaddr_un* a, socklen_t* len)
{
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX;
    int n = snprintf(a->sun_path + 1, sizeof a->sun_path - 1, "libzt-double/%016llx/%06x", (unsigned long long)net, host24 & 0xffffff);
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

int ztd_presence_open(uint64_t net, uint32_t host24)
{
    struct sockaddr_un a;
    socklen_t len;
    presence_name(net, host24, &a, &len);
    int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s >= 0 && bind(s, (struct sockaddr*)&a, len) != 0) {
        close(s);
        s = -1;
    }

    return s;
}

bool ztd_present(uint64_t net, uint32_t host24)
{
    struct sockaddr_un a;
    socklen_t len;
    presence_name(net, host24, &a, &len);
    int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool there = s >= 0 && connect(s, (struct sockaddr*)&a, len) == 0;
    if (s >= 0) {
        close(s);
    }

    return there;
}

/* Chapter 3.10.1: outside the range a SYN is dropped without a word. */
bool ztd_port_allowed(uint64_t net, uint16_t port)
{
    if (net >> 56 != 0xff || (net & 0xffffff) != 0) {
        return true;
    }

    return port >= (uint16_t)(net >> 40) && port <= (uint16_t)(net >> 24);
}

/* First contact with a peer: 241, then 243 and 240 when a direct path is found (7.3). */
void ztd_contact(uint64_t net, const ztd_addr* remote)
{
    uint32_t host24;
    if (ztd_route(remote, &host24) == NULL || host24 > 0xffffff) {
        return;
    }

    uint64_t id = 0xdb00000000ULL | host24;
    if (remote->family == ZTS_AF_INET6) {
        id = 0;
        for (int i = 5; i < 10; i++) {
            id = id << 8 | remote->ip[i];
        }
    }

    (void)net;
    for (int i = 0; i < ztd_n.peer_count; i++) {
        if (ztd_n.peers[i] == id) {
            return;
        }
    }

    if (ztd_n.peer_count < (int)(sizeof ztd_n.peers / sizeof ztd_n.peers[0])) {
        ztd_n.peers[ztd_n.peer_count++] = id;
        ztd_event_peer(241, id, 0);
        if (!ztd_cfg.relay) {
            ztd_event_peer(243, id, 0);
            ztd_event_peer(240, id, 0);
        }
    }
}
