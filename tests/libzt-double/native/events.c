/* Events: the queue, the callback threads and their bad habits (chapter 4, section 7). */
#include "ztd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUE = 1024, MAX_THREADS = 128, DRAIN_MS = 25 };

typedef struct message {
    struct message* next;
    uint64_t due;
    zts_event_msg_t m;
    void* owned;
    size_t size;
} message;

static message* head;
static message** tail = &head;
static int queued;
static bool enabled;
static bool ending;
static void (*handler)(void*);
static pthread_t threads[MAX_THREADS];
static int thread_count;
static pthread_mutex_t callback_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool in_callback;

/* What the dangling cache pointer points to: somebody else's bytes. */
static unsigned char stale_memory[4096] = { 0xdb, 0xdb, 0xdb, 0xdb };

/* Under ztd_lock, as every ztd_event_*. Takes over the payload. */
static void post(int code, void* payload, size_t size, int len)
{
    if (!enabled || queued >= QUEUE) {
        free(payload);
        return;
    }

    message* e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }

    e->m.event_code = (int16_t)code;
    e->m.len = len;
    e->owned = payload;
    e->size = size;
    e->due = ztd_now() + (uint64_t)ztd_cfg.late;
    if (code >= 200 && code <= 204) {
        e->m.node = payload;
    } else if (code >= 210 && code <= 219) {
        e->m.network = payload;
    } else if (code >= 240 && code <= 244) {
        e->m.peer = payload;
    } else if (code >= 260 && code <= 263) {
        e->m.addr = payload;
    } else if (code >= 270 && code <= 274) {
        e->m.cache = stale_memory;   /* never valid: it points into the node thread's own memory */
    }

    *tail = e;
    tail = &e->next;
    queued++;
    pthread_cond_broadcast(&ztd_changed);
}

static void* payload_of(size_t size)
{
    void* p = calloc(1, size);
    if (p == NULL) {
        abort();
    }

    return p;
}

void ztd_event_node(int code, uint64_t id)
{
    zts_node_info_t* node = payload_of(sizeof *node);
    node->node_id = id;
    node->port_primary = ztd_n.port;
    node->ver_major = 1;
    node->ver_minor = 12;
    post(code, node, sizeof *node, sizeof *node);
}

void ztd_event_net(int code, const ztd_net* net, bool full)
{
    zts_net_info_t* info = payload_of(sizeof *info);
    info->net_id = net->id;
    if (full) {
        ztd_addr own[2];
        int prefix[2];
        int n = ztd_net_addresses(net, own, prefix);
        info->mac = ztd_net_mac(net->id);
        info->status = net->status;
        info->type = 1;
        info->mtu = 2800;
        info->netconf_rev = 1;
        info->assigned_addr_count = (unsigned int)n;
        for (int i = 0; i < n; i++) {
            unsigned char* b = info->assigned_addrs[i].b;
            b[0] = (unsigned char)own[i].family;   /* the OS's own form, as in address events */
            memcpy(b + (own[i].family == ZTS_AF_INET ? 4 : 8), own[i].ip, own[i].family == ZTS_AF_INET ? 4 : 16);
        }
    }

    post(code, info, sizeof *info, sizeof *info);
}

/* The family is in the wrong place on Linux (7.2): byte 0, with byte 1 zero. */
void ztd_event_addr(int code, uint64_t net, const ztd_addr* addr)
{
    zts_addr_info_t* info = payload_of(sizeof *info);
    info->net_id = net;
    info->addr.b[0] = (unsigned char)addr->family;
    memcpy(info->addr.b + (addr->family == ZTS_AF_INET ? 4 : 8), addr->ip, addr->family == ZTS_AF_INET ? 4 : 16);
    post(code, info, sizeof *info, sizeof *info);
}

/* Only id, version, latency and role mean anything; the rest is noise of the kind that was seen. */
void ztd_event_peer(int code, uint64_t id, int role)
{
    zts_peer_info_t* peer = payload_of(sizeof *peer);
    memset(peer, 0xa5, sizeof *peer);
    peer->peer_id = id;
    peer->ver_major = 1;
    peer->ver_minor = 12;
    peer->ver_rev = 0;
    peer->latency = code == 241 ? -1 : 3;
    peer->role = role;
    peer->path_count = 2073580544u;
    post(code, peer, sizeof *peer, sizeof *peer);
}

void ztd_event_cache(int code, int len) { post(code, NULL, 0, len); }

/* Any event, out of the blue; for those that need a network the first one, for peers an unknown one. */
void ztd_event_inject(int code)
{
    static const ztd_net nothing;
    const ztd_net* net = ztd_n.net_count > 0 ? &ztd_n.nets[0] : &nothing;
    if (code >= 210 && code <= 219) {
        ztd_event_net(code, net, code == 213 || code >= 215);
    } else if (code >= 240 && code <= 244) {
        ztd_event_peer(code, 0xdb00000001ULL, 0);
    } else if (code >= 260 && code <= 263) {
        ztd_addr address = { .family = code <= 261 ? ZTS_AF_INET : ZTS_AF_INET6 };
        ztd_event_addr(code, net->id, &address);
    } else if (code >= 270) {
        ztd_event_cache(code, 100);
    } else {
        ztd_event_node(code, ztd_n.id);
    }
}

static void deliver(message* e)
{
    ztd_enter();
    void (*call)(void*) = handler;
    zts_event_msg_t m = e->m;
    if (ztd_cfg.events == ZTD_EVENTS_NULL) {
        m.node = m.network = m.peer = m.addr = m.cache = NULL;
    }

    int times = ztd_cfg.events == ZTD_EVENTS_DUPLICATED ? 2 : 1;
    ztd_counts[ZTD_C_EVENTS] += call != NULL ? times : 0;
    ztd_leave();
    for (int i = 0; i < times && call != NULL; i++) {
        pthread_mutex_lock(&callback_lock);
        in_callback = true;
        call(&m);
        in_callback = false;
        pthread_mutex_unlock(&callback_lock);
    }

    if (e->owned != NULL) {
        memset(e->owned, 0xdd, e->size);   /* freed as soon as the callback returns: whoever kept the pointer reads this */
        free(e->owned);
    }

    free(e);
}

/* The messages that are due, in the order in which they will be delivered. */
static message* take(uint64_t now)
{
    message* batch = NULL;
    message** end = &batch;
    while (head != NULL && head->due <= now) {
        message* e = head;
        head = e->next;
        if (head == NULL) {
            tail = &head;
        }

        queued--;
        if (ztd_cfg.events == ZTD_EVENTS_REORDERED) {
            e->next = batch;
            batch = e;
        } else {
            e->next = NULL;
            *end = e;
            end = &e->next;
        }
    }

    return batch;
}

static void* run(void* argument)
{
    (void)argument;
    ztd_enter();
    while (!ending) {
        uint64_t now = ztd_now();
        message* batch = ztd_cfg.events == ZTD_EVENTS_NONE ? NULL : take(now);
        if (batch != NULL) {
            ztd_leave();
            while (batch != NULL) {
                message* e = batch;
                batch = e->next;
                deliver(e);
            }

            ztd_enter();
        }

        if (!ending) {
            uint64_t due = ztd_now() + DRAIN_MS;
            struct timespec t = { .tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000 };
            /* A sleep of 25 ms that ztd_reset may cut short. */
            while (!ending && ztd_now() < due && pthread_cond_timedwait(&ztd_changed, &ztd_lock, &t) != ETIMEDOUT) {
            }
        }
    }

    ztd_leave();
    return NULL;
}

/* One more with each start, and none of them ever ends (7.1). event_threads=0 keeps it at one. */
void ztd_event_thread_start(void)
{
    if (thread_count == MAX_THREADS || (thread_count > 0 && !ztd_cfg.event_threads)) {
        return;
    }

    ending = false;
    if (pthread_create(&threads[thread_count], NULL, run, NULL) == 0) {
        thread_count++;
        ztd_counts[ZTD_C_EVENT_THREADS] = thread_count;
    }
}

void ztd_event_threads_end(void)
{
    ztd_enter();
    ending = true;
    pthread_cond_broadcast(&ztd_changed);
    ztd_leave();
    for (int i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }

    thread_count = 0;
}

void ztd_event_barrier(void)
{
    if (in_callback) {
        ztd_enter();
        ztd_violation("zts_node_start from the event callback");
        ztd_leave();
        return;
    }

    pthread_mutex_lock(&callback_lock);
    pthread_mutex_unlock(&callback_lock);
}

/* Kept for the life of the process: a later session without a handler still calls the old one. */
void ztd_event_set_handler(void (*callback)(void*)) { handler = callback; }

void ztd_events_enable(bool on) { enabled = on; }

void ztd_events_clear(void)
{
    while (head != NULL) {
        message* e = head;
        head = e->next;
        free(e->owned);
        free(e);
    }

    tail = &head;
    queued = 0;
}
