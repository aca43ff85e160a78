/* Networks: join and leave, what is stored of them, their addresses, and the status that a script may set (4.4, 4.5). */
#include "ztd.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct { uint64_t id; int status; } scripted[32];
static int scripted_count;

static bool is_range(uint64_t id) { return id >> 56 == 0xff && (id & 0xffffff) == 0; }

static bool is_open_adhoc(uint64_t id) { return id >> 56 == 0xff && (id & 0xff) == 1 && (id & 0xffffff) != 0; }

/* What the network becomes by itself (chapter 3.10): ad-hoc networks make their own configuration, others ask for ever. */
static int natural_status(uint64_t id)
{
    for (int i = 0; i < scripted_count; i++) {
        if (scripted[i].id == id) {
            return scripted[i].status;
        }
    }

    if (is_range(id)) {
        return (uint16_t)(id >> 24) < (uint16_t)(id >> 40) ? 3 : 1;
    }

    return is_open_adhoc(id) ? 1 : 0;
}

ztd_net* ztd_net_find(uint64_t id)
{
    for (int i = 0; i < ztd_n.net_count; i++) {
        if (ztd_n.nets[i].id == id) {
            return &ztd_n.nets[i];
        }
    }

    return NULL;
}

static void stored_path(uint64_t id, char* path, size_t len)
{
    snprintf(path, len, "%s/networks.d/%016llx.conf", ztd_n.storage, (unsigned long long)id);
}

ztd_net* ztd_net_add(uint64_t id, bool stored)
{
    ztd_net* net = ztd_net_find(id);
    if (net != NULL || ztd_n.net_count == (int)(sizeof ztd_n.nets / sizeof ztd_n.nets[0])) {
        return net;
    }

    net = &ztd_n.nets[ztd_n.net_count++];
    memset(net, 0, sizeof *net);
    net->id = id;
    net->presence = -1;
    net->stored = stored;
    net->due = ztd_now() + (stored ? 0 : (uint64_t)ztd_cfg.addr_delay);
    if (ztd_n.has_storage && ztd_n.net_cache && !stored) {
        char path[1100];
        snprintf(path, sizeof path, "%s/networks.d", ztd_n.storage);
        mkdir(path, 0700);
        stored_path(id, path, sizeof path);
        FILE* f = fopen(path, "w");
        if (f != NULL) {
            fputc('\n', f);   /* one byte (11.10) */
            fclose(f);
        }
    }

    pthread_cond_broadcast(&ztd_changed);
    return net;
}

static void drop(ztd_net* net)
{
    if (net->presence >= 0) {
        close(net->presence);
    }

    *net = ztd_n.nets[--ztd_n.net_count];
}

void ztd_net_remove(uint64_t id)
{
    ztd_net* net = ztd_net_find(id);
    if (net == NULL) {
        return;
    }

    ztd_event_net(218, net, false);
    ztd_kill_network(id);
    if (ztd_n.has_storage) {
        char path[1100];
        stored_path(id, path, sizeof path);
        unlink(path);
    }

    drop(net);
}

void ztd_nets_clear(void)
{
    while (ztd_n.net_count > 0) {
        drop(&ztd_n.nets[0]);
    }
}

void ztd_net_scripts_clear(void) { scripted_count = 0; }

void ztd_net_vanish(void)
{
    for (int i = 0; i < ztd_n.net_count; i++) {
        if (ztd_n.nets[i].presence >= 0) {
            close(ztd_n.nets[i].presence);
            ztd_n.nets[i].presence = -1;
        }
    }
}

/* Networks of an earlier session are joined by the core itself. */
void ztd_nets_load(void)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/networks.d", ztd_n.storage);
    DIR* dir = opendir(path);
    if (dir == NULL) {
        return;
    }

    for (struct dirent* entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char* end = NULL;
        uint64_t id = strtoull(entry->d_name, &end, 16);
        if (id != 0 && strcmp(end, ".conf") == 0) {
            ztd_net_add(id, true);
        }
    }

    closedir(dir);
}

static void tell_ok(ztd_net* net)
{
    ztd_addr own[2];
    int prefix[2];
    int n = ztd_net_addresses(net, own, prefix);
    net->told_ok = true;
    for (int i = 0; i < n; i++) {
        ztd_event_net(own[i].family == ZTS_AF_INET ? 215 : 216, net, true);
    }

    ztd_event_net(213, net, true);
}

static void apply(ztd_net* net, int status)
{
    static const int codes[] = { 212, 0, 214, 210, 0, 211 };
    int before = net->status;
    net->status = status;
    net->due = 0;
    if (status == 1) {
        if (!net->has_addr) {
            ztd_addr own[2];
            int prefix[2];
            net->has_addr = true;
            net->addr_since = ztd_now();
            net->presence = ztd_cfg.vanish ? -1 : ztd_presence_open(net->id, (uint32_t)(ztd_n.id & 0xffffff));
            int n = ztd_net_addresses(net, own, prefix);
            for (int i = 0; i < n; i++) {
                ztd_event_addr(own[i].family == ZTS_AF_INET ? 260 : 262, net->id, &own[i]);
            }
        }

        net->told_ok = net->told_ok && before == 1;
        ztd_event_net(219, net, true);
    } else if (status != before) {
        net->told_ok = false;
        if (status >= 0 && status < 6 && codes[status] != 0) {
            ztd_event_net(codes[status], net, false);
        }
    }

    pthread_cond_broadcast(&ztd_changed);
    ztd_wake_all();
}

void ztd_nets_advance(uint64_t now)
{
    for (int i = 0; i < ztd_n.net_count; i++) {
        ztd_net* net = &ztd_n.nets[i];
        if (net->due != 0 && now >= net->due) {
            apply(net, natural_status(net->id));
        }

        if (net->status == 1 && net->has_addr && !net->told_ok && ztd_n.online) {
            tell_ok(net);
        }
    }
}

/* status.NETWORK=n: now, and at later joins. -1 takes the script away. */
void ztd_net_set_status(uint64_t id, int status)
{
    int i = 0;
    while (i < scripted_count && scripted[i].id != id) {
        i++;
    }

    if (i == scripted_count && scripted_count < (int)(sizeof scripted / sizeof scripted[0])) {
        scripted_count++;
    }

    if (i < scripted_count) {
        scripted[i].id = id;
        scripted[i].status = status;
        if (status < 0) {
            scripted[i] = scripted[--scripted_count];
        }
    }

    ztd_net* net = ztd_net_find(id);
    if (net != NULL && ztd_n.phase == ZTD_RUNNING) {
        apply(net, natural_status(id));
    }
}

/* 6PLANE everywhere, and IPv4 on ad-hoc networks of the second kind (chapter 3.10.2). */
int ztd_net_addresses(const ztd_net* net, ztd_addr* out, int* prefix)
{
    int n = 0;
    if (!net->has_addr) {
        return 0;
    }

    if (is_open_adhoc(net->id)) {
        out[n] = (ztd_addr) { .family = ZTS_AF_INET };
        out[n].ip[0] = (unsigned char)(net->id >> 48);
        out[n].ip[1] = (unsigned char)(ztd_n.id >> 16);
        out[n].ip[2] = (unsigned char)(ztd_n.id >> 8);
        out[n].ip[3] = (unsigned char)ztd_n.id;
        prefix[n++] = 8;
    }

    out[n] = (ztd_addr) { .family = ZTS_AF_INET6 };
    ztd_sixplane(net->id, ztd_n.id, out[n].ip);
    prefix[n++] = 40;
    return n;
}

/* Chapter 3.1.2. */
uint64_t ztd_net_mac(uint64_t id)
{
    uint64_t first = (id & 0xfe) | 0x02;
    if (first == 0x52) {
        first = 0x32;
    }

    uint64_t mac = first << 40 | (ztd_n.id & 0xffffffffffULL);
    for (int i = 1; i <= 5; i++) {
        mac ^= (id >> (8 * i) & 0xff) << (8 * (5 - i));
    }

    return mac;
}

static bool before_core(const char* call)
{
    if (!ztd_n.core) {
        ztd_violation("%s before the core node exists", call);
    }

    return !ztd_n.core;
}

static int change(const char* call, uint64_t id, bool join)
{
    int result = ZTS_ERR_OK;
    ztd_enter();
    if (ztd_n.phase != ZTD_RUNNING) {
        result = ZTS_ERR_SERVICE;
    } else if (id == 0) {
        result = ZTS_ERR_ARG;
    } else if (!before_core(call)) {
        ztd_counts[join ? ZTD_C_JOINS : ZTD_C_LEAVES]++;
        if (join) {
            ztd_net_add(id, false);
        } else {
            ztd_net_remove(id);
        }
    }

    ztd_leave();
    return result;
}

ZTS_API int zts_net_join(uint64_t id) { return change(__func__, id, true); }

ZTS_API int zts_net_leave(uint64_t id) { return change(__func__, id, false); }

static int moon(const char* call)
{
    ztd_enter();
    int result = ztd_n.phase == ZTD_RUNNING ? ZTS_ERR_OK : ZTS_ERR_SERVICE;
    if (result == ZTS_ERR_OK) {
        before_core(call);
    }

    ztd_leave();
    return result;
}

ZTS_API int zts_moon_orbit(uint64_t world, uint64_t seed)
{
    (void)world;
    (void)seed;
    return moon(__func__);
}

ZTS_API int zts_moon_deorbit(uint64_t world)
{
    (void)world;
    return moon(__func__);
}
