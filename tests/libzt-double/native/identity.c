/* Identities: text of the real form, without its arithmetic. The address is 0xdb00xxyyzz; its low 24 bits become a kernel address (route.c). */
#include "ztd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY_HEX = 128, ADDRESS_HEX = 10, TEXT = ADDRESS_HEX + 3 + KEY_HEX + 1 + KEY_HEX };

static bool is_hex(const char* text, int n)
{
    for (int i = 0; i < n; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) {
            return false;
        }
    }

    return true;
}

/* "address:0:public:secret" */
void ztd_identity_new(char* dst)
{
    unsigned char bytes[128 + 3];
    ztd_random(bytes, sizeof bytes);
    uint64_t address = ztd_cfg.node;
    if (address == 0) {
        address = 0xdb00000000ULL | (uint64_t)bytes[128] << 16 | (uint64_t)bytes[129] << 8 | bytes[130];
    }

    int n = snprintf(dst, ZTS_ID_LEN, "%010llx:0:", (unsigned long long)address);
    for (int i = 0; i < 128; i++) {
        n += snprintf(dst + n, (size_t)(ZTS_ID_LEN - n), "%s%02x", i == 64 ? ":" : "", bytes[i]);
    }
}

bool ztd_identity_valid(const char* text)
{
    return strnlen(text, ZTS_ID_LEN) == TEXT && is_hex(text, ADDRESS_HEX) && memcmp(text + ADDRESS_HEX, ":0:", 3) == 0
        && is_hex(text + 13, KEY_HEX) && text[13 + KEY_HEX] == ':' && is_hex(text + 14 + KEY_HEX, KEY_HEX)
        && memcmp(text, "0000000000", ADDRESS_HEX) != 0 && memcmp(text, "ff", 2) != 0;
}

uint64_t ztd_identity_address(const char* text)
{
    char address[ADDRESS_HEX + 1] = { 0 };
    memcpy(address, text, ADDRESS_HEX);
    return strtoull(address, NULL, 16);
}

static bool make_directories(const char* path)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", path);
    for (char* p = copy + 1; *p != 0; p++) {
        if (*p == '/') {
            *p = 0;
            mkdir(copy, 0700);
            *p = '/';
        }
    }

    mkdir(copy, 0700);
    struct stat info;
    return stat(copy, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool store(const char* name, const char* text, size_t len)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/%s", ztd_n.storage, name);
    FILE* f = fopen(path, "w");
    if (f == NULL) {
        return false;
    }

    fwrite(text, 1, len, f);
    return fclose(f) == 0;
}

/* Memory wins over storage; a bad identity is silently replaced (4.2). False when the storage cannot be used: the service then ends without a word. */
bool ztd_identity_load(void)
{
    char* text = ztd_n.identity;
    if (ztd_n.has_storage && !make_directories(ztd_n.storage)) {
        return false;
    }

    if (ztd_n.has_memory_identity && ztd_identity_valid(ztd_n.memory_identity)) {
        memcpy(text, ztd_n.memory_identity, ZTS_ID_LEN);
    } else {
        bool found = false;
        if (ztd_n.has_storage && ztd_n.id_cache) {
            char path[1100];
            snprintf(path, sizeof path, "%s/identity.secret", ztd_n.storage);
            FILE* f = fopen(path, "r");
            if (f != NULL) {
                size_t n = fread(text, 1, ZTS_ID_LEN - 1, f);
                text[n] = 0;
                text[strcspn(text, "\r\n")] = 0;
                fclose(f);
                found = ztd_identity_valid(text);
            }
        }

        if (!found) {
            ztd_identity_new(text);
            ztd_event_cache(270, TEXT);
            ztd_event_cache(271, TEXT - 1 - KEY_HEX);
        }
    }

    if (ztd_n.has_storage && ztd_n.id_cache
        && (!store("identity.secret", text, TEXT) || !store("identity.public", text, TEXT - 1 - KEY_HEX))) {
        return false;
    }

    ztd_event_cache(272, 4096);
    return true;
}

ZTS_API int zts_id_new(char* key, unsigned int* len)
{
    if (key == NULL || len == NULL || *len != ZTS_ID_LEN) {
        return ZTS_ERR_ARG;
    }

    char text[ZTS_ID_LEN];
    ztd_enter();
    ztd_identity_new(text);
    ztd_leave();
    memcpy(key, text, TEXT);   /* not terminated */
    *len = TEXT;
    return ZTS_ERR_OK;
}

ZTS_API int zts_id_pair_is_valid(const char* key, unsigned int len)
{
    return key != NULL && len == ZTS_ID_LEN && ztd_identity_valid(key);
}

ZTS_API int zts_node_get_id_pair(char* key, unsigned int* len)
{
    int result = ZTS_ERR_OK;
    ztd_enter();
    if (ztd_n.phase != ZTD_RUNNING) {
        result = ZTS_ERR_SERVICE;
    } else if (key == NULL || len == NULL || *len < ZTS_ID_LEN) {
        result = ZTS_ERR_ARG;
    } else if (!ztd_n.core) {
        result = ZTS_ERR_GENERAL;
    } else {
        memset(key, 0, *len);
        memcpy(key, ztd_n.identity, TEXT);
        *len = TEXT;
    }

    ztd_leave();
    return result;
}
