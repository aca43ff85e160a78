/* The part of libzt's C ABI that the double offers: structures and numbers as chapter 4, sections 5 and 6, gives them. */
#ifndef ZTS_H
#define ZTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ZTS_API __attribute__((visibility("default")))

#define ZTS_ERR_OK 0
#define ZTS_ERR_SOCKET (-1)
#define ZTS_ERR_SERVICE (-2)
#define ZTS_ERR_ARG (-3)
#define ZTS_ERR_NO_RESULT (-4)
#define ZTS_ERR_GENERAL (-5)

#define ZTS_NOT_RUNNING 0xFFFFFFFFFFFFFFFEULL

#define ZTS_EIO 5
#define ZTS_EBADF 9
#define ZTS_EAGAIN 11
#define ZTS_ENOMEM 12
#define ZTS_EINVAL 22
#define ZTS_ENFILE 23
#define ZTS_ENOSYS 38
#define ZTS_EMSGSIZE 90
#define ZTS_ENOPROTOOPT 92
#define ZTS_EOPNOTSUPP 95
#define ZTS_EADDRINUSE 98
#define ZTS_ECONNABORTED 103
#define ZTS_ECONNRESET 104
#define ZTS_ENOBUFS 105
#define ZTS_EISCONN 106
#define ZTS_ENOTCONN 107
#define ZTS_EHOSTUNREACH 113
#define ZTS_EALREADY 114
#define ZTS_EINPROGRESS 115

#define ZTS_AF_INET 2
#define ZTS_AF_INET6 10
#define ZTS_SOCK_STREAM 1
#define ZTS_SOCK_DGRAM 2
#define ZTS_MSG_PEEK 1
#define ZTS_MSG_TRUNC 4
#define ZTS_MSG_DONTWAIT 8
#define ZTS_MSG_MORE 16
#define ZTS_POLLIN 1
#define ZTS_POLLOUT 2
#define ZTS_POLLERR 4
#define ZTS_POLLNVAL 8

#define ZTS_MAX_SOCKETS 1024
#define ZTS_ID_LEN 384
#define ZTS_IP_LEN 46
#define ZTS_MAC_LEN 18
#define ZTS_NAME_LEN 127
#define ZTS_MAX_ADDRESSES 16

typedef struct { unsigned char b[28]; } zts_sockaddr_storage;

typedef struct {
    uint64_t node_id;
    uint16_t port_primary, port_secondary, port_tertiary;
    uint8_t ver_major, ver_minor, ver_rev;
} zts_node_info_t;

typedef struct {
    uint64_t net_id;
    zts_sockaddr_storage addr;
} zts_addr_info_t;

typedef struct {
    zts_sockaddr_storage target, via;
    uint16_t flags, metric;
} zts_route_info_t;

typedef struct {
    uint64_t mac;
    unsigned long adi;
} zts_multicast_group_t;

typedef struct {
    uint64_t net_id, mac;
    char name[128];
    int status, type;
    unsigned int mtu;
    int dhcp, bridge, broadcast_enabled, port_error;
    unsigned long netconf_rev;
    unsigned int assigned_addr_count;
    zts_sockaddr_storage assigned_addrs[16];
    unsigned int route_count;
    zts_route_info_t routes[32];
    unsigned int multicast_sub_count;
    zts_multicast_group_t multicast_subs[1024];
} zts_net_info_t;

typedef struct {
    zts_sockaddr_storage address;
    uint64_t last_tx, last_rx, trusted_path_id;
    float latency;
    unsigned char unused[44];
    char* ifname;
    int expired, preferred;
} zts_path_t;

typedef struct {
    uint64_t peer_id;
    int ver_major, ver_minor, ver_rev, latency, role;
    unsigned int path_count;
    int unused;
    zts_path_t paths[64];
} zts_peer_info_t;

typedef struct {
    int16_t event_code;
    void *node, *network, *netif, *route, *peer, *addr, *cache;
    int len;
} zts_event_msg_t;

typedef struct { uint32_t group[4]; } zts_stats_group_t;
typedef struct { zts_stats_group_t link, etharp, ip4, ip6, icmp4, icmp6, udp, tcp, nd6; } zts_stats_counter_t;
typedef struct { int fd; short events, revents; } zts_pollfd;
typedef struct { unsigned char bits[128]; } zts_fd_set;
typedef struct { long sec, usec; } zts_timeval;
typedef struct { int on, seconds; } zts_linger;
typedef struct { void* base; size_t len; } zts_iovec;

typedef struct {
    void* name;
    uint32_t namelen;
    zts_iovec* iov;
    int iovlen;
    void* control;
    uint32_t controllen;
    int flags;
} zts_msghdr;

/* 24 bytes, as the library uses it. */
typedef struct { unsigned char addr[16], zone, pad[3], type, pad2[3]; } zts_ip_addr;

_Static_assert(sizeof(zts_sockaddr_storage) == 28, "sockaddr_storage");
_Static_assert(sizeof(zts_node_info_t) == 24, "node_info");
_Static_assert(sizeof(zts_addr_info_t) == 40 && offsetof(zts_addr_info_t, addr) == 8, "addr_info");
_Static_assert(sizeof(zts_route_info_t) == 60, "route_info");
#if __SIZEOF_LONG__ == 8
_Static_assert(sizeof(zts_net_info_t) == 18952 && offsetof(zts_net_info_t, netconf_rev) == 176 && offsetof(zts_net_info_t, assigned_addrs) == 188
    && offsetof(zts_net_info_t, routes) == 640 && offsetof(zts_net_info_t, multicast_subs) == 2568, "net_info");
_Static_assert(sizeof(zts_path_t) == 120 && sizeof(zts_peer_info_t) == 7720 && offsetof(zts_peer_info_t, paths) == 40, "peer_info");
_Static_assert(sizeof(zts_event_msg_t) == 72 && offsetof(zts_event_msg_t, len) == 64, "event_msg");
_Static_assert(sizeof(zts_msghdr) == 48 && offsetof(zts_msghdr, flags) == 44, "msghdr");
#endif
_Static_assert(sizeof(zts_stats_counter_t) == 144, "stats");
_Static_assert(sizeof(zts_ip_addr) == 24 && offsetof(zts_ip_addr, type) == 20, "ip_addr");

extern ZTS_API int zts_errno;

/* Used between the files; all other exports are declared where they are defined. */
ZTS_API int zts_bsd_socket(int family, int type, int protocol);
ZTS_API int zts_bsd_bind(int fd, const void* sa, uint32_t len);
ZTS_API int zts_bsd_connect(int fd, const void* sa, uint32_t len);
ZTS_API int zts_bsd_listen(int fd, int backlog);
ZTS_API int zts_bsd_accept(int fd, void* sa, uint32_t* len);
ZTS_API int zts_bsd_close(int fd);
ZTS_API int zts_bsd_shutdown(int fd, int how);
ZTS_API int zts_bsd_fcntl(int fd, int cmd, int flags);
ZTS_API int zts_bsd_ioctl(int fd, unsigned long request, void* arg);
ZTS_API int zts_bsd_getsockopt(int fd, int level, int name, void* value, uint32_t* len);
ZTS_API int zts_bsd_setsockopt(int fd, int level, int name, const void* value, uint32_t len);
ZTS_API int zts_bsd_getsockname(int fd, void* sa, uint32_t* len);
ZTS_API int zts_bsd_getpeername(int fd, void* sa, uint32_t* len);
ZTS_API int zts_bsd_poll(zts_pollfd* p, unsigned int n, int timeout_ms);
ZTS_API ssize_t zts_bsd_send(int fd, const void* buf, size_t len, int flags);
ZTS_API ssize_t zts_bsd_recv(int fd, void* buf, size_t len, int flags);
ZTS_API int zts_util_get_ip_family(const char* ip);
ZTS_API int zts_util_ipstr_to_saddr(const char* ip, unsigned short port, void* sa, uint32_t* len);
ZTS_API int zts_util_ntop(const void* sa, uint32_t len, char* dst, int dstlen, unsigned short* port);
ZTS_API const char* zts_inet_ntop(int family, const void* src, char* dst, uint32_t size);
ZTS_API int zts_inet_pton(int family, const char* src, void* dst);

#endif
