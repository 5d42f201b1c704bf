/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"

/* What config_print() writes must come back from a file the same. */
static enum rc check_text(const char *value, struct why *why)
{
    const size_t n = strlen(value);
    bool plain = str_is_utf8(value, n);
    for (size_t i = 0; i < n; i++) {
        plain = plain && (unsigned char)value[i] >= 0x20 && value[i] != 0x7f;
    }
    if (!plain) {
        return why_fail(why, RC_INVALID, NULL, "must be UTF-8 without control characters");
    }
    if (n > CONFIG_TEXT_MAX) {
        return why_fail(why, RC_INVALID, NULL, "must be at most %d bytes, got %zu", CONFIG_TEXT_MAX, n);
    }
    if (n > 0 && (value[0] == ' ' || value[n - 1] == ' ' || value[0] == ';' || strstr(value, " ;") != NULL)) {
        return why_fail(why, RC_INVALID, NULL, "must not begin or end with a blank, and a \";\" that begins a word begins a comment");
    }
    return RC_OK;
}

static enum rc set_text(struct region *region, const char **place, const char *value, struct why *why)
{
    const enum rc rc = check_text(value, why);
    if (rc != RC_OK) {
        return rc;
    }
    char *copy = region_strdup(region, value);
    if (copy == NULL) {
        return RC_NO_MEMORY;
    }
    *place = copy;
    return RC_OK;
}

/* The number of a word; false: none of them. */
static bool find_word(const char *const *words, const char *value, int64_t *ret)
{
    for (int64_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], value) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* "0660" */
static bool read_mode(const char *value, int64_t *ret)
{
    const size_t n = strlen(value);
    if (n < 3 || n > 4 || strspn(value, "01234567") != n) {
        return false;
    }
    *ret = strtol(value, NULL, 8);
    return true;
}

/* A number of the key's kind; false: not one. */
static bool read_number(const struct config_key *key, const char *value, int64_t *ret)
{
    uint64_t bytes;
    switch (key->kind) {
    case CONFIG_COUNT: return str_to_int64(value, ret);
    case CONFIG_TIME: return str_to_ms(value, ret);
    case CONFIG_BYTES:
        if (!str_to_bytes(value, &bytes) || bytes > INT64_MAX) {
            return false;
        }
        *ret = (int64_t)bytes;
        return true;
    case CONFIG_CHOICE: return find_word(key->words, value, ret);
    case CONFIG_MODE: return read_mode(value, ret);
    case CONFIG_TEXT:
    case CONFIG_SWITCH: break;
    }
    return false;
}

static enum rc refuse_number(const struct config_key *key, const char *value, struct why *why)
{
    static const char *const forms[] = {
        [CONFIG_COUNT] = "a whole number",
        [CONFIG_BYTES] = "a size like 64k, 256M or 2G",
        [CONFIG_TIME] = "a time like 500ms, 30s, 10m or 30d",
        [CONFIG_CHOICE] = "one of its words",
        [CONFIG_MODE] = "permissions in octal digits like 0660",
    };
    char words[80] = "";
    if (key->kind != CONFIG_CHOICE) {
        return why_fail(why, RC_INVALID, NULL, "must be %s, got \"%s\"", forms[key->kind], value);
    }
    for (size_t i = 0, n = 0; key->words[i] != NULL && n < sizeof(words); i++) {
        const char *between = n == 0 ? "" : key->words[i + 1] == NULL ? " or "
                                                                      : ", ";
        n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s", between, key->words[i][0] == '\0' ? "empty" : key->words[i]);
    }
    return why_fail(why, RC_INVALID, NULL, "must be %s, got \"%s\"", words, value);
}

enum rc config_value_set(struct region *region, void *base, const struct config_key *key, const char *value, struct why *why)
{
    char *place = (char *)base + key->offset;
    int64_t n;
    if (key->kind == CONFIG_TEXT) {
        const enum rc rc = key->check == NULL ? RC_OK : key->check(value, why);
        return rc != RC_OK ? rc : set_text(region, (const char **)place, value, why);
    }
    if (key->kind == CONFIG_SWITCH) {
        return str_to_bool(value, (bool *)place) ? RC_OK : why_fail(why, RC_INVALID, NULL, "must be yes or no, got \"%s\"", value);
    }
    if (!read_number(key, value, &n)) {
        return refuse_number(key, value, why);
    }
    if (key->kind != CONFIG_CHOICE && (n < key->min || n > key->max)) {
        const char *unit = key->kind == CONFIG_TIME ? " milliseconds" : key->kind == CONFIG_BYTES ? " bytes"
                                                                                                  : "";
        return why_fail(why, RC_INVALID, NULL, "must be %" PRId64 " to %" PRId64 "%s, got \"%s\"", key->min, key->max, unit, value);
    }
    *(int64_t *)(void *)place = n;
    return RC_OK;
}

void config_value_print(const void *base, const struct config_key *key, FILE *out)
{
    const char *place = (const char *)base + key->offset;
    const int64_t n = key->kind == CONFIG_TEXT || key->kind == CONFIG_SWITCH ? 0 : *(const int64_t *)(const void *)place;
    switch (key->kind) {
    case CONFIG_TEXT: fprintf(out, "%s\n", *(const char *const *)(const void *)place); break;
    case CONFIG_SWITCH: fprintf(out, "%s\n", *(const bool *)place ? "yes" : "no"); break;
    case CONFIG_CHOICE: fprintf(out, "%s\n", key->words[n]); break;
    case CONFIG_MODE: fprintf(out, "%04" PRIo64 "\n", (uint64_t)n); break;
    case CONFIG_TIME: fprintf(out, "%" PRId64 "%s\n", n % 1000 == 0 ? n / 1000 : n, n % 1000 == 0 ? "s" : "ms"); break;
    case CONFIG_BYTES:
        if (n % (1 << 20) == 0) {
            fprintf(out, "%" PRId64 "M\n", n / (1 << 20));
        } else {
            fprintf(out, "%" PRId64 "\n", n);
        }
        break;
    case CONFIG_COUNT: fprintf(out, "%" PRId64 "\n", n); break;
    }
}
