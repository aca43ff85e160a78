/* The service: init, start, the thread that stands for the node's own, and the stop that returns before it has stopped (chapter 4, section 11). */
#include "ztd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SERVICES = 64 };
static pthread_t services[MAX_SERVICES];
static int service_count;

void ztd_init_forget(void)
{
    ztd_n.has_storage = ztd_n.has_memory_identity = false;
    ztd_n.id_cache = ztd_n.net_cache = ztd_n.peer_cache = ztd_n.roots_cache = true;
    ztd_n.init_port = 0;
    ztd_n.port_lo = 20000;
    ztd_n.port_hi = 45500;
}

void ztd_node_clear(void)
{
    if (ztd_n.udp > 0) {
        close(ztd_n.udp);
    }

    memset(&ztd_n, 0, sizeof ztd_n);
    ztd_n.udp = -1;
    ztd_n.online_target = true;
    ztd_init_forget();
}

void ztd_node_join_services(void)
{
    for (int i = 0; i < service_count; i++) {
        pthread_join(services[i], NULL);
    }

    service_count = 0;
}

/* The port is bound for real when one was asked for: a busy port ends the service, and nobody is told (11.3). */
static bool take_port(void)
{
    if (ztd_n.init_port == 0) {
        uint16_t r;
        ztd_random(&r, sizeof r);
        unsigned int span = ztd_n.port_hi >= ztd_n.port_lo ? (unsigned int)(ztd_n.port_hi - ztd_n.port_lo) + 1 : 1;
        ztd_n.port = (uint16_t)(ztd_n.port_lo + r % span);
        return true;
    }

    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(ztd_n.init_port) };
    ztd_n.port = ztd_n.init_port;
    ztd_n.udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return ztd_n.udp >= 0 && bind(ztd_n.udp, (struct sockaddr*)&a, sizeof a) == 0;
}

static void gone(void)
{
    if (ztd_n.udp >= 0) {
        close(ztd_n.udp);
    }

    ztd_n.udp = -1;
    ztd_n.core = ztd_n.online = false;
    ztd_n.phase = ZTD_OFF;
    ztd_events_enable(false);
    ztd_kill_all();
    ztd_nets_clear();
    ztd_n.peer_count = 0;
    ztd_init_forget();
}

static uint64_t wait_until(uint64_t due)
{
    struct timespec t = { .tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000 };
    pthread_cond_timedwait(&ztd_changed, &ztd_lock, &t);
    return ztd_now();
}

static void build_core(void)
{
    if (ztd_cfg.start_fails == 2 || !ztd_identity_load()) {
        gone();
        return;
    }

    ztd_n.id = ztd_identity_address(ztd_n.identity);
    ztd_n.core = true;
    ztd_event_node(200, 0);   /* the node id is 0 in this one (7.2) */
    if (ztd_n.has_storage && ztd_n.net_cache) {
        ztd_nets_load();
    }
}

static void go_online(void)
{
    if (!ztd_n.online_target || ztd_n.freed) {
        return;
    }

    ztd_n.online = true;
    ztd_event_node(201, ztd_n.id);
    ztd_event_peer(ztd_cfg.relay ? 241 : 240, 0xdb0000000fULL, 2);
}

static void advance(uint64_t now)
{
    if (!ztd_n.core && now >= ztd_n.core_at) {
        build_core();
    }

    if (!ztd_n.core) {
        return;
    }

    if (ztd_cfg.collision > 0 && now >= ztd_n.core_at + (uint64_t)ztd_cfg.collision) {
        gone();               /* another node with this identity: the service ends, event 204 is never delivered (7.2) */
        return;
    }

    uint64_t online_at = ztd_n.started + (uint64_t)ztd_cfg.online_delay;
    if (!ztd_n.online && ztd_n.next_flap == 0 && now >= online_at) {
        go_online();
    }

    if (ztd_cfg.flap > 0 && ztd_n.next_flap == 0 && ztd_n.online) {
        ztd_n.next_flap = now + (uint64_t)ztd_cfg.flap;
    }

    if (ztd_cfg.flap > 0 && ztd_n.next_flap != 0 && now >= ztd_n.next_flap) {
        ztd_n.next_flap = now + (uint64_t)ztd_cfg.flap;
        ztd_n.online = !ztd_n.online;
        ztd_event_node(ztd_n.online ? 201 : 202, ztd_n.id);
    }

    ztd_nets_advance(now);
}

/* The node's own thread. It outlives zts_node_stop by stop_ms and event_gap, in which the next start does harm. */
static void* service(void* argument)
{
    (void)argument;
    ztd_enter();
    while (ztd_n.phase == ZTD_STARTING && ztd_now() < ztd_n.started + (uint64_t)ztd_cfg.start_delay) {
        wait_until(ztd_n.started + (uint64_t)ztd_cfg.start_delay);
    }

    bool failed = ztd_cfg.start_fails == 1 || !take_port();
    if (ztd_n.phase == ZTD_STARTING) {
        ztd_n.phase = ZTD_RUNNING;
        if (failed) {
            gone();
        }
    }

    uint64_t now = ztd_now();
    while (ztd_n.phase == ZTD_RUNNING) {
        advance(now);
        if (ztd_n.phase == ZTD_RUNNING) {
            now = wait_until(ztd_next_due(now));
        }
    }

    uint64_t end = ztd_n.stopped + (uint64_t)ztd_cfg.stop_ms;
    while (ztd_n.phase == ZTD_TEARDOWN && (now = ztd_now()) < end) {
        wait_until(end);
    }

    if (ztd_n.phase == ZTD_TEARDOWN) {
        gone();
    }

    ztd_n.services--;
    ztd_leave();
    return NULL;
}

uint64_t ztd_next_due(uint64_t now)
{
    uint64_t due = now + 1000;
#define AT(x) do { uint64_t at = (x); if (at < due) { due = at <= now ? now + 1 : at; } } while (0)
    if (!ztd_n.core) {
        AT(ztd_n.core_at);
    } else {
        if (!ztd_n.online && ztd_n.next_flap == 0 && ztd_n.online_target && !ztd_n.freed) {
            AT(ztd_n.started + (uint64_t)ztd_cfg.online_delay);
        }

        if (ztd_cfg.flap > 0 && ztd_n.next_flap != 0) {
            AT(ztd_n.next_flap);
        }

        if (ztd_cfg.collision > 0) {
            AT(ztd_n.core_at + (uint64_t)ztd_cfg.collision);
        }

        for (int i = 0; i < ztd_n.net_count; i++) {
            if (ztd_n.nets[i].due != 0) {
                AT(ztd_n.nets[i].due);
            }
        }
    }
#undef AT
    return due;
}

ZTS_API int zts_node_start(void)
{
    ztd_event_barrier();      /* waits for a callback that executes (7.1) */
    ztd_enter();
    uint64_t now = ztd_now();
    if (ztd_n.phase == ZTD_RUNNING || ztd_n.phase == ZTD_STARTING) {
        ztd_violation("zts_node_start while the node runs or starts");
        int result = ztd_n.phase == ZTD_RUNNING ? ZTS_ERR_SERVICE : ZTS_ERR_OK;
        ztd_leave();
        return result;
    }

    ztd_counts[ZTD_C_STARTS]++;
    if (ztd_n.phase == ZTD_TEARDOWN) {
        ztd_violation("zts_node_start %llu ms after zts_node_stop: the old node is still there", (unsigned long long)(now - ztd_n.stopped));
        ztd_leave();
        return ZTS_ERR_OK;    /* the start is lost */
    }

    if (ztd_n.stopped != 0 && now - ztd_n.stopped < (uint64_t)ztd_cfg.restart_gap) {
        ztd_violation("zts_node_start %llu ms after zts_node_stop", (unsigned long long)(now - ztd_n.stopped));
    }

    if (service_count == MAX_SERVICES) {
        ztd_violation("more than %d starts without ztd_reset", MAX_SERVICES);
        ztd_leave();
        return ZTS_ERR_GENERAL;
    }

    ztd_n.phase = ZTD_STARTING;
    ztd_n.started = now;
    ztd_n.core_at = now + (uint64_t)ztd_cfg.core_delay;
    ztd_n.next_flap = 0;
    ztd_n.core = ztd_n.online = false;
    /* A start within the gap after the old node's end loses its events: the dying thread switches them off (11.4). */
    bool deaf = ztd_n.stopped != 0 && now - ztd_n.stopped < (uint64_t)(ztd_cfg.stop_ms + ztd_cfg.event_gap);
    ztd_events_enable(!deaf);
    if (ztd_cfg.events != ZTD_EVENTS_NONE) {
        ztd_event_thread_start();
    }

    ztd_n.services++;
    ztd_sockets_adopt();
    pthread_create(&services[service_count++], NULL, service, NULL);
    ztd_leave();
    return ZTS_ERR_OK;
}

ZTS_API int zts_node_stop(void)
{
    ztd_enter();
    if (ztd_n.phase != ZTD_RUNNING) {
        ztd_leave();
        return ZTS_ERR_SERVICE;
    }

    if (ztd_cfg.stop_lost > 0) {
        ztd_cfg.stop_lost--;
        ztd_leave();
        return ZTS_ERR_OK;
    }

    int open = ztd_sockets_open();
    if (open > 0) {
        ztd_violation("zts_node_stop with %d open sockets", open);
    }

    ztd_counts[ZTD_C_STOPS]++;
    ztd_n.stopped = ztd_now();
    ztd_n.phase = ZTD_TEARDOWN;
    ztd_events_enable(false);
    ztd_init_forget();
    ztd_kill_all();
    ztd_net_vanish();
    pthread_cond_broadcast(&ztd_changed);
    ztd_leave();
    return ZTS_ERR_OK;
}

ZTS_API int zts_node_free(void)
{
    ztd_enter();
    ztd_violation("zts_node_free");
    int result = ztd_n.phase == ZTD_RUNNING ? ZTS_ERR_OK : ZTS_ERR_SERVICE;
    if (result == ZTS_ERR_OK) {
        ztd_n.stopped = ztd_now();
        ztd_n.phase = ZTD_TEARDOWN;
        ztd_events_enable(false);
        ztd_kill_all();
        pthread_cond_broadcast(&ztd_changed);
    }

    ztd_n.freed = true;       /* later starts return 0 and never come online (11.8) */
    ztd_leave();
    return result;
}

ZTS_API uint64_t zts_node_get_id(void)
{
    ztd_enter();
    uint64_t id = ZTS_NOT_RUNNING;
    if (ztd_n.phase == ZTD_RUNNING) {
        id = ztd_n.core ? ztd_n.id : 0;
    } else if (ztd_n.phase == ZTD_TEARDOWN && ztd_now() - ztd_n.stopped < (uint64_t)ztd_cfg.stop_lag) {
        id = ztd_n.id;
    }

    ztd_leave();
    return id;
}

ZTS_API int zts_node_is_online(void)
{
    ztd_enter();
    int online = ztd_n.phase == ZTD_RUNNING && ztd_n.core && ztd_n.online;
    ztd_leave();
    return online;
}

ZTS_API int zts_node_get_port(void)
{
    ztd_enter();
    int port = ztd_n.phase == ZTD_RUNNING ? ztd_n.port : ZTS_ERR_SERVICE;
    ztd_leave();
    return port;
}
