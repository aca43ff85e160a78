/* The lock, time, the record of violations, and the control interface ztd_*. */
#include "ztd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

ZTS_API int zts_errno;

pthread_mutex_t ztd_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t ztd_changed;
ztd_config ztd_cfg;
ztd_node ztd_n;
ztd_sock ztd_socks[ZTS_MAX_SOCKETS];
ztd_inside ztd_in[ZTS_MAX_SOCKETS];
ztd_poller* ztd_pollers;
long ztd_counts[ZTD_C_COUNT];

enum { LINES = 256, LINE = 200 };
static char violations[LINES][LINE];
static int violation_count;

static const char* const counter_names[ZTD_C_COUNT] = {
    "starts", "stops", "joins", "leaves", "events", "event_threads", "sockets", "sockets_max", "sockets_opened",
    "polls", "poll_wakes", "sends", "recvs", "bytes_sent", "bytes_received", "accepts", "connects", "resets",
    "eagain", "datagrams_sent", "datagrams_received", "datagrams_dropped", "blocking", "accept_failures",
};

#define KNOB(name) { #name, offsetof(ztd_config, name) }
static const struct { const char* name; size_t offset; } knobs[] = {
    KNOB(start_delay), KNOB(core_delay), KNOB(online_delay), KNOB(addr_delay), KNOB(dad), KNOB(stop_ms), KNOB(event_gap), KNOB(restart_gap), KNOB(slow_tick), KNOB(stop_lag),
    KNOB(collision), KNOB(flap), KNOB(start_fails), KNOB(late), KNOB(sockets), KNOB(partial), KNOB(eagain), KNOB(accept_error),
    KNOB(accept_error_count), KNOB(send_error), KNOB(send_error_count), KNOB(connect_timeout), KNOB(reset_after), KNOB(stats), KNOB(vanish),
    KNOB(watch_peers), KNOB(relay), KNOB(event_threads), KNOB(stop_lost), KNOB(freeze),
};

__attribute__((constructor)) static void load(void)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&ztd_changed, &attr);
    pthread_condattr_destroy(&attr);
    ztd_defaults();
    ztd_node_clear();
}

/* Everything as documented, but quick: a test does not wait five seconds for ONLINE unless it asks for it (profile=measured). */
void ztd_defaults(void)
{
    memset(&ztd_cfg, 0, sizeof ztd_cfg);
    ztd_cfg.core_delay = 10;
    ztd_cfg.online_delay = 60;
    ztd_cfg.addr_delay = 20;
    ztd_cfg.dad = 30;
    ztd_cfg.stop_ms = 70;
    ztd_cfg.event_gap = 50;
    ztd_cfg.slow_tick = 20;
    ztd_cfg.restart_gap = 950;   /* the second of chapter 4, 13.9, less the grain of timers */
    ztd_cfg.sockets = ZTS_MAX_SOCKETS;
    ztd_cfg.connect_timeout = 36400;
    ztd_cfg.event_threads = 1;
}

uint64_t ztd_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void ztd_enter(void) { pthread_mutex_lock(&ztd_lock); }

void ztd_leave(void) { pthread_mutex_unlock(&ztd_lock); }

bool ztd_gate(void) { return ztd_n.phase == ZTD_RUNNING; }

int ztd_fail(int error)
{
    zts_errno = error;
    errno = error;
    return ZTS_ERR_SOCKET;
}

int ztd_fail_errno(int error)
{
    errno = error;
    return ZTS_ERR_SOCKET;
}

/* Success writes zts_errno, too (section 8): it erases what another thread has not read yet. */
int ztd_ok(int value)
{
    zts_errno = 0;
    return value;
}

void ztd_random(void* dst, size_t len)
{
    if (getrandom(dst, len, 0) != (ssize_t)len) {
        abort();
    }
}

void ztd_violation(const char* format, ...)
{
    va_list args;
    char line[LINE];
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (violation_count < LINES) {
        memcpy(violations[violation_count], line, LINE);
    }

    violation_count++;
}

/* The lines recorded so far, as many as fit; returns how many there were. */
ZTS_API int ztd_violations(char* dst, int len)
{
    ztd_enter();
    int used = 0;
    for (int i = 0; i < violation_count && i < LINES && dst != NULL && len > 0; i++) {
        int n = snprintf(dst + used, (size_t)(len - used), "%s%s", i == 0 ? "" : "\n", violations[i]);
        if (n < 0 || n >= len - used) {
            break;
        }

        used += n;
    }

    if (violation_count == 0 && dst != NULL && len > 0) {
        dst[0] = 0;
    }

    int count = violation_count;
    ztd_leave();
    return count;
}

ZTS_API long ztd_counter(const char* name)
{
    ztd_enter();
    long value = strcmp(name, "services") == 0 ? ztd_n.services : -1;   /* not a count: node threads that are alive */
    for (int i = 0; i < ZTD_C_COUNT; i++) {
        if (strcmp(name, counter_names[i]) == 0) {
            value = ztd_counts[i];
        }
    }

    ztd_leave();
    return value;
}

static bool one_of(const char* value, const char* const* names, long* out)
{
    for (long i = 0; names[i] != NULL; i++) {
        if (strcmp(value, names[i]) == 0) {
            *out = i;
            return true;
        }
    }

    return false;
}

static bool set(const char* key, const char* value)
{
    static const char* const event_modes[] = { "on", "none", "reordered", "null", "duplicated", NULL };
    static const char* const connect_modes[] = { "ok", "refused", "silent", "noroute", NULL };
    if (strcmp(key, "events") == 0) {
        return one_of(value, event_modes, &ztd_cfg.events);
    }

    if (strcmp(key, "connect") == 0) {
        return one_of(value, connect_modes, &ztd_cfg.connect);
    }

    if (strcmp(key, "profile") == 0 && strcmp(value, "measured") == 0) {
        ztd_cfg.core_delay = 50;       /* 12.1 */
        ztd_cfg.online_delay = 5000;
        ztd_cfg.addr_delay = 5000;
        ztd_cfg.dad = 1500;
        ztd_cfg.slow_tick = 500;
        return true;
    }

    if (strcmp(key, "node") == 0) {
        ztd_cfg.node = strtoull(value, NULL, 16);
        return true;
    }

    if (strcmp(key, "online") == 0) {  /* the roots' answer, as the five-second check sees it: an event with each change */
        bool online = atoi(value) != 0;
        ztd_n.online_target = online;
        if (ztd_n.core && ztd_n.online != online) {
            ztd_n.online = online;
            ztd_event_node(online ? 201 : 202, ztd_n.id);
        }

        return true;
    }

    if (strcmp(key, "online_flag") == 0) { /* what zts_node_is_online shows after an unrelated core event, 4.3 */
        ztd_n.online = atoi(value) != 0;
        return true;
    }

    if (strcmp(key, "inject") == 0) {
        ztd_event_inject(atoi(value));
        return true;
    }

    if (strncmp(key, "status.", 7) == 0) {
        ztd_net_set_status(strtoull(key + 7, NULL, 16), atoi(value));
        return true;
    }

    for (size_t i = 0; i < sizeof knobs / sizeof knobs[0]; i++) {
        if (strcmp(key, knobs[i].name) == 0) {
            long number = atol(value);
            memcpy((char*)&ztd_cfg + knobs[i].offset, &number, sizeof number);
            if (strcmp(key, "vanish") == 0 && number != 0) {
                ztd_net_vanish();
            }

            return true;
        }
    }

    return false;
}

/* "key=value;key=value": 0, or -1 at the first pair that is not understood. Takes effect at once. */
ZTS_API int ztd_configure(const char* text)
{
    char* copy = strdup(text);
    char* rest = copy;
    int result = 0;
    ztd_enter();
    for (char* pair = strsep(&rest, ";"); pair != NULL; pair = strsep(&rest, ";")) {
        char* equals = strchr(pair, '=');
        if (*pair == 0) {
            continue;
        }

        if (equals == NULL) {
            result = -1;
            break;
        }

        *equals = 0;
        if (!set(pair, equals + 1)) {
            result = -1;
            break;
        }
    }

    pthread_cond_broadcast(&ztd_changed);
    ztd_wake_all();
    ztd_leave();
    free(copy);
    return result;
}

/* As freshly loaded: no node, no socket, no thread, no record. Not from a callback. */
ZTS_API void ztd_reset(void)
{
    ztd_enter();
    ztd_events_enable(false);
    ztd_event_set_handler(NULL);
    ztd_n.phase = ZTD_OFF;
    ztd_pollers_abort();
    pthread_cond_broadcast(&ztd_changed);
    ztd_leave();
    ztd_node_join_services();
    ztd_event_threads_end();
    ztd_enter();
    ztd_sockets_clear();
    ztd_nets_clear();
    ztd_net_scripts_clear();
    ztd_events_clear();
    ztd_node_clear();
    ztd_defaults();
    memset(ztd_counts, 0, sizeof ztd_counts);
    violation_count = 0;
    zts_errno = 0;
    ztd_leave();
}
