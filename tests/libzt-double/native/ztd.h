/*
 * The state of the double, shared by its files.
 *
 * One lock (ztd_lock) guards everything but the in-call counters, which must see a call before it waits for the lock. The event lock is taken before
 * it, never inside it; no callback runs under ztd_lock. Kernel calls made under the lock never block.
 */
#ifndef ZTD_H
#define ZTD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "zts.h"

typedef enum { ZTD_OFF, ZTD_STARTING, ZTD_RUNNING, ZTD_TEARDOWN } ztd_phase;
typedef enum { ZTD_EVENTS_ON, ZTD_EVENTS_NONE, ZTD_EVENTS_REORDERED, ZTD_EVENTS_NULL, ZTD_EVENTS_DUPLICATED } ztd_event_mode;
typedef enum { ZTD_CONNECT_OK, ZTD_CONNECT_REFUSED, ZTD_CONNECT_SILENT, ZTD_CONNECT_NO_ROUTE } ztd_connect_mode;
typedef enum { ZTD_FRESH, ZTD_LISTENING, ZTD_CONNECTING, ZTD_CONNECTED } ztd_sock_state;

/* The script: every knob of ztd_configure. Times in milliseconds. */
typedef struct {
    long start_delay, core_delay, online_delay, addr_delay, dad, stop_ms, event_gap, restart_gap, slow_tick, stop_lag, collision, flap;
    long start_fails, late, sockets, partial, eagain, accept_error, accept_error_count, send_error, send_error_count;
    long connect_timeout, reset_after, stats, vanish, watch_peers, relay, event_threads, stop_lost, freeze;
    long events, connect;
    uint64_t node;
} ztd_config;

/* An address inside the virtual network; family 0 is "unspecified". Port in host order. */
typedef struct {
    int family;
    unsigned char ip[16];
    uint16_t port;
} ztd_addr;

typedef struct {
    uint64_t id;
    int status;              /* as zts_net_get_status */
    bool has_addr, told_ok, stored;
    uint64_t due, addr_since; /* when the configuration comes; when the addresses came */
    int presence;            /* a bound abstract socket: "this node is there" */
} ztd_net;

typedef struct {
    bool used, nonblocking, bound, foreign, reuse, unspecified;
    bool shut_rd, shut_wr, dead, connect_failed, ended, told_thread;
    bool passive, over; /* the peer's FIN came first; both are acknowledged, and the connection is gone */
    int kfd, family, type, error, dead_polls, closed_polls, storm;
    ztd_sock_state state;
    uint32_t gen;
    bool silent;
    uint64_t connect_deadline, absent_since, impatient_since, net, bytes;
    ztd_addr local, remote;
    int linger_on, linger_s, keepalive, keepidle_ms, keepintvl_s, keepcnt, nodelay, broadcast, ttl, tos, v6only, rcvbuf;
    long rcvtimeo_ms, sndtimeo_ms;
    pid_t owner;
} ztd_sock;

/* Calls that are inside a descriptor now, by kind; outside the lock on purpose. */
typedef struct { atomic_int reading, writing, connecting; } ztd_inside;

typedef struct ztd_poller {
    struct ztd_poller* next;
    int wake;                /* eventfd */
    zts_pollfd* fds;
    unsigned int n;
    uint32_t* gens;
    short* forced;
    bool aborted;
} ztd_poller;

typedef struct {
    ztd_phase phase;
    bool core, online, freed, online_target;
    uint64_t started, stopped, core_at, next_flap;
    uint64_t id;
    uint16_t port;
    int udp;                 /* holds the primary port when one was asked for */
    char identity[ZTS_ID_LEN];
    char memory_identity[ZTS_ID_LEN];
    bool has_memory_identity, has_storage, id_cache, net_cache, peer_cache, roots_cache;
    char storage[1024];
    uint16_t init_port, port_lo, port_hi;
    int services;            /* service threads alive */
    ztd_net nets[32];
    int net_count;
    uint64_t peers[256];
    int peer_count;
} ztd_node;

typedef enum {
    ZTD_C_STARTS, ZTD_C_STOPS, ZTD_C_JOINS, ZTD_C_LEAVES, ZTD_C_EVENTS, ZTD_C_EVENT_THREADS, ZTD_C_SOCKETS, ZTD_C_SOCKETS_MAX, ZTD_C_SOCKETS_OPENED,
    ZTD_C_POLLS, ZTD_C_POLL_WAKES, ZTD_C_SENDS, ZTD_C_RECVS, ZTD_C_BYTES_SENT, ZTD_C_BYTES_RECEIVED, ZTD_C_ACCEPTS, ZTD_C_CONNECTS, ZTD_C_RESETS,
    ZTD_C_EAGAIN, ZTD_C_DATAGRAMS_SENT, ZTD_C_DATAGRAMS_RECEIVED, ZTD_C_DATAGRAMS_DROPPED, ZTD_C_BLOCKING, ZTD_C_ACCEPT_FAILURES, ZTD_C_COUNT
} ztd_count;

extern pthread_mutex_t ztd_lock;
extern pthread_cond_t ztd_changed;
extern ztd_config ztd_cfg;
extern ztd_node ztd_n;
extern ztd_sock ztd_socks[ZTS_MAX_SOCKETS];
extern ztd_inside ztd_in[ZTS_MAX_SOCKETS];
extern ztd_poller* ztd_pollers;
extern long ztd_counts[ZTD_C_COUNT];

/* state.c */
void ztd_defaults(void);
uint64_t ztd_now(void);
void ztd_enter(void);        /* takes the lock */
void ztd_leave(void);
void ztd_violation(const char* format, ...) __attribute__((format(printf, 1, 2)));
bool ztd_gate(void);         /* the transport gate */
int ztd_fail(int error);     /* errno and zts_errno */
int ztd_fail_errno(int error);
int ztd_ok(int value);
void ztd_random(void* dst, size_t len);

/* node.c, network.c, identity.c */
void ztd_node_clear(void);
void ztd_node_join_services(void);
void ztd_init_forget(void);
void ztd_identity_new(char* dst);
bool ztd_identity_valid(const char* text);
bool ztd_identity_load(void);
uint64_t ztd_identity_address(const char* text);
ztd_net* ztd_net_find(uint64_t id);
ztd_net* ztd_net_add(uint64_t id, bool stored);
void ztd_net_remove(uint64_t id);
void ztd_nets_advance(uint64_t now);
void ztd_nets_load(void);
void ztd_nets_clear(void);
void ztd_net_scripts_clear(void);
void ztd_net_set_status(uint64_t id, int status);
uint64_t ztd_next_due(uint64_t now);
int ztd_net_addresses(const ztd_net* net, ztd_addr* out, int* prefix);
uint64_t ztd_net_mac(uint64_t id);
void ztd_net_vanish(void);

/* route.c */
ztd_net* ztd_route(const ztd_addr* to, uint32_t* host24);
bool ztd_is_own(const ztd_net* net, uint32_t host24);
enum { ZTD_TOS_IPV4 = 4 };   /* marks connections to an IPv4 address */
void ztd_kernel_addr(uint64_t net, uint32_t host24, uint16_t port, struct sockaddr_in* out);
ztd_addr ztd_virtual_addr(uint64_t net, int family, const struct sockaddr_in* in);
bool ztd_present(uint64_t net, uint32_t host24);
int ztd_presence_open(uint64_t net, uint32_t host24);
bool ztd_port_allowed(uint64_t net, uint16_t port);
void ztd_sixplane(uint64_t net, uint64_t node, unsigned char* ip16);
void ztd_rfc4193(uint64_t net, uint64_t node, unsigned char* ip16);
void ztd_contact(uint64_t net, const ztd_addr* remote);

/* events.c */
void ztd_event_thread_start(void);
void ztd_event_threads_end(void);
void ztd_event_barrier(void);
void ztd_event_set_handler(void (*handler)(void*));
void ztd_event_node(int code, uint64_t id);
void ztd_event_net(int code, const ztd_net* net, bool full);
void ztd_event_addr(int code, uint64_t net, const ztd_addr* addr);
void ztd_event_peer(int code, uint64_t id, int role);
void ztd_event_cache(int code, int len);
void ztd_event_inject(int code);
void ztd_events_enable(bool on);
void ztd_events_clear(void);

/* sockets.c, poll.c, address.c, io.c */
ztd_sock* ztd_get(int fd);
ztd_sock* ztd_alloc(int family, int type, int* fd);
void ztd_thread_check(int fd, const char* call, bool spare_ok);
void ztd_progress(ztd_sock* s);
bool ztd_impatient(const ztd_sock* s);
void ztd_kill(ztd_sock* s, int error);
void ztd_take_error(ztd_sock* s);
void ztd_kill_network(uint64_t net);
void ztd_kill_all(void);
int ztd_sockets_open(void);
void ztd_sockets_clear(void);
void ztd_sockets_adopt(void);
ztd_sock* ztd_begin(int fd, const char* call, int* result);
int ztd_check_sa(const ztd_sock* s, const void* sa, uint32_t len);
bool ztd_parse_sa(const void* sa, ztd_addr* out);
void ztd_put_sa(const ztd_addr* from, int family, void* sa, uint32_t* len);
bool ztd_bind_kernel(ztd_sock* s, ztd_net* net, uint32_t host24, uint16_t port);
bool ztd_storm(ztd_sock* s);
ssize_t ztd_receive_stream(ztd_sock* s, const zts_iovec* v, int n, int flags);
ssize_t ztd_receive_datagram(ztd_sock* s, const zts_iovec* v, int n, int flags, ztd_addr* from, bool full, int* out_flags);
ssize_t ztd_send_stream(ztd_sock* s, const zts_iovec* v, int n, int flags);
ssize_t ztd_send_datagram(ztd_sock* s, const zts_iovec* v, int n, const ztd_addr* to);
void ztd_wake_all(void);
void ztd_poller_closing(int fd, short revents);
int ztd_wait(int fd, short events, uint64_t deadline);
void ztd_pollers_abort(void);

#endif
