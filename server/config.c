/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include <ini.h>

#include "core/base/str.h"

#define CONFIG_BYTES_ALL (1 << 20) /* of all values together */
#define KEYS_MAX         64

#define K (INT64_C(1) << 10)
#define M (INT64_C(1) << 20)
#define G (INT64_C(1) << 30)

#define SECOND INT64_C(1000)
#define DAY    (86400 * SECOND)

#define AT(member) offsetof(struct config, member)

const struct config_key config_keys[] = {
    { "http", "listen", CONFIG_TEXT, AT(http_listen), "127.0.0.1:8443", 0, 0, "Where to listen: ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH; port 0 takes any." },
    { "http", "threads", CONFIG_COUNT, AT(http_threads), "2", 1, 64, "Threads that speak HTTP and TLS." },
    { "http", "prefix", CONFIG_TEXT, AT(http_prefix), "", 0, 0, "Path below which a proxy serves licit, as /licit; empty: none." },
    { "http", "connections", CONFIG_COUNT, AT(http_connections), "1000", 2, 100000, "Connections at a time." },
    { "http", "idle", CONFIG_TIME, AT(http_idle_ms), "60s", SECOND, 3600 * SECOND, "How long a connection may be silent." },
    { "http", "drain", CONFIG_TIME, AT(http_drain_ms), "10s", 0, 600 * SECOND, "How long a stop waits for requests in flight." },
    { "tls", "enabled", CONFIG_SWITCH, AT(tls_enabled), "yes", 0, 0, "Speak TLS 1.2 and 1.3; --plain is the same as no." },
    { "tls", "certificate", CONFIG_TEXT, AT(tls_certificate), "", 0, 0, "PEM file of the certificate chain; empty: one made at first start." },
    { "tls", "key", CONFIG_TEXT, AT(tls_key), "", 0, 0, "PEM file of its private key." },
    { "pool", "workers", CONFIG_COUNT, AT(pool_workers), "0", 0, 64, "Threads that compute predictions; 0: one a core." },
    { "pool", "io", CONFIG_COUNT, AT(pool_io), "4", 1, 64, "Threads that read and write files." },
    { "pool", "queue", CONFIG_COUNT, AT(pool_queue), "1024", 1, 1000000, "Requests that may wait for each kind of thread." },
    { "train", "trainers", CONFIG_COUNT, AT(train_trainers), "1", 1, 16, "Jobs that run at a time." },
    { "train", "threads", CONFIG_COUNT, AT(train_threads), "0", 0, 64, "Threads of one job; 0: one a core." },
    { "train", "memory", CONFIG_BYTES, AT(train_memory), "2G", M, 1024 * G, "Memory that one job may need." },
    { "train", "queue", CONFIG_COUNT, AT(train_queue), "1000", 1, 100000, "Jobs that may wait." },
    { "limits", "body", CONFIG_BYTES, AT(limit_body), "256k", K, 16 * M, "Size of a JSON body of the native API." },
    { "limits", "predict", CONFIG_BYTES, AT(limit_predict), "8M", K, 256 * M, "Size of the body of a prediction." },
    { "limits", "upload", CONFIG_BYTES, AT(limit_upload), "1G", K, 1024 * G, "Size of an uploaded dataset." },
    { "limits", "rows", CONFIG_COUNT, AT(limit_rows), "10000", 1, 65536, "Rows of one prediction." },
    { "limits", "model", CONFIG_BYTES, AT(limit_model), "1G", M, 1024 * G, "Memory that one loaded version may need." },
    { "limits", "models", CONFIG_BYTES, AT(limit_models), "4G", M, 1024 * G, "Memory that all loaded versions may need together." },
    { "limits", "deadline", CONFIG_TIME, AT(limit_deadline_ms), "30s", 100, 3600 * SECOND, "How long a request may wait before it is worked on." },
    { "limits", "streams", CONFIG_COUNT, AT(limit_streams), "64", 0, 10000, "Event streams at a time." },
    { "limits", "token_life", CONFIG_TIME, AT(limit_token_ms), "365d", 60 * SECOND, 3650 * DAY, "The longest life that a token may be given." },
    { "limits", "anonymous", CONFIG_COUNT, AT(limit_anonymous), "100", 0, 100000, "Requests a second from one address without a valid token; 0: no limit." },
    { "log", "level", CONFIG_LEVEL, AT(log_level), "info", 0, 0, "error, warn, info or debug." },
    { "log", "requests", CONFIG_SWITCH, AT(log_requests), "yes", 0, 0, "One JSON line a request." },
    { .section = NULL },
};

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static const struct config_key *find_key(const char *section, size_t section_size, const char *name)
{
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        if (strlen(key->section) == section_size && memcmp(key->section, section, section_size) == 0 && strcmp(key->name, name) == 0) {
            return key;
        }
    }
    return NULL;
}

static enum rc set_text(struct config *config, const char **place, const char *value, struct why *why)
{
    if (!str_is_utf8(value, strlen(value))) {
        return why_fail(why, RC_INVALID, NULL, "must be UTF-8");
    }
    char *copy = region_strdup(&config->_region, value);
    if (copy == NULL) {
        return RC_NO_MEMORY;
    }
    *place = copy;
    return RC_OK;
}

/* A number of the key's kind; false: not one. */
static bool read_number(enum config_kind kind, const char *value, int64_t *ret)
{
    uint64_t bytes;
    enum log_level level;
    switch (kind) {
    case CONFIG_COUNT: return str_to_int64(value, ret);
    case CONFIG_TIME: return str_to_ms(value, ret);
    case CONFIG_BYTES:
        if (!str_to_bytes(value, &bytes) || bytes > INT64_MAX) {
            return false;
        }
        *ret = (int64_t)bytes;
        return true;
    case CONFIG_LEVEL:
        if (!log_level_from_name(value, &level)) {
            return false;
        }
        *ret = (int64_t)level;
        return true;
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
        [CONFIG_LEVEL] = "error, warn, info or debug",
    };
    return why_fail(why, RC_INVALID, NULL, "must be %s, got \"%s\"", forms[key->kind], value);
}

static enum rc set_key(struct config *config, const struct config_key *key, const char *value, struct why *why)
{
    char *place = (char *)config + key->offset;
    int64_t n;
    if (key->kind == CONFIG_TEXT) {
        return set_text(config, (const char **)place, value, why);
    }
    if (key->kind == CONFIG_SWITCH) {
        return str_to_bool(value, (bool *)place) ? RC_OK : why_fail(why, RC_INVALID, NULL, "must be yes or no, got \"%s\"", value);
    }
    if (!read_number(key->kind, value, &n)) {
        return refuse_number(key, value, why);
    }
    if (key->kind != CONFIG_LEVEL && (n < key->min || n > key->max)) {
        const char *unit = key->kind == CONFIG_TIME ? " milliseconds" : key->kind == CONFIG_BYTES ? " bytes"
                                                                                                  : "";
        return why_fail(why, RC_INVALID, NULL, "must be %" PRId64 " to %" PRId64 "%s, got \"%s\"", key->min, key->max, unit, value);
    }
    *(int64_t *)(void *)place = n;
    return RC_OK;
}

enum rc config_init(struct config *config)
{
    *config = (struct config){ 0 };
    region_init(&config->_region, CONFIG_BYTES_ALL);
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        const enum rc rc = set_key(config, key, key->fallback, NULL);
        MUST(rc == RC_OK || rc == RC_NO_MEMORY); /* a default is a good value */
        if (rc != RC_OK) {
            config_finish(config);
            return rc;
        }
    }
    return RC_OK;
}

void config_finish(struct config *config)
{
    region_finish(&config->_region);
}

enum rc config_set(struct config *config, const char *name, const char *value, struct why *why)
{
    const char *dot = strchr(name, '.');
    const struct config_key *key = dot == NULL ? NULL : find_key(name, (size_t)(dot - name), dot + 1);
    if (key == NULL) {
        return why_fail(why, RC_UNKNOWN_KEY, name, "is not a key; licitd --print-config lists them");
    }
    const enum rc rc = set_key(config, key, value, why);
    return rc == RC_OK ? rc : why_under(why, rc, "%s", name);
}

/* One reading of a file. libinih asks for lines and tells of pairs; the first failure stops both. */
struct reading {
    struct config *config;
    FILE *file;
    const char *name;
    int line;
    bool seen[KEYS_MAX];
    enum rc rc;
    struct why *why;
};

static void fail(struct reading *reading, enum rc rc, const char *text)
{
    if (reading->rc == RC_OK) {
        reading->rc = why_fail(reading->why, rc, NULL, "%s", text);
        (void)why_under(reading->why, rc, "%s:%d", reading->name, reading->line);
    }
}

static bool is_section(const char *line)
{
    const char *end = strchr(line, ']');
    for (const struct config_key *key = config_keys; end != NULL && key->section != NULL; key++) {
        const size_t n = strlen(key->section);
        if ((size_t)(end - line - 1) == n && memcmp(line + 1, key->section, n) == 0) {
            return end[1 + strspn(end + 1, " \t\r\n")] == '\0';
        }
    }
    return false;
}

/* What libinih would take in silence is refused here. */
static void check_line(struct reading *reading, const char *line, size_t n)
{
    if (n > CONFIG_LINE_MAX) {
        fail(reading, RC_TOO_LARGE, "the line is longer than 198 bytes");
    } else if (strlen(line) != n) {
        fail(reading, RC_SYNTAX, "the line holds a NUL byte");
    } else if ((line[0] == ' ' || line[0] == '\t') && line[strspn(line, " \t\r\n")] != '\0') {
        fail(reading, RC_SYNTAX, "a line must not begin with a blank");
    } else if (line[0] == '[' && !is_section(line)) {
        fail(reading, RC_UNKNOWN_KEY, "there is no such section; licitd --print-config lists them");
    }
}

/* The line reader that libinih is given, as fgets(), but it sees NUL bytes and long lines. */
static char *next_line(char *out, int size, void *arg)
{
    struct reading *reading = arg;
    int n = 0, c = EOF;
    while (reading->rc == RC_OK && n < size - 1 && c != '\n' && (c = getc(reading->file)) != EOF) {
        out[n++] = (char)c;
    }
    out[n] = '\0';
    if (n > 0) {
        reading->line++;
        check_line(reading, out, (size_t)n);
    } else if (reading->rc == RC_OK && ferror(reading->file)) {
        fail(reading, RC_IO, "the file cannot be read");
    }
    return n > 0 && reading->rc == RC_OK ? out : NULL;
}

static int take_pair(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *reading = arg;
    const struct config_key *key = find_key(section, strlen(section), name);
    if (reading->rc != RC_OK) {
        return 0;
    }
    if (section[0] == '\0') {
        fail(reading, RC_UNKNOWN_KEY, "a key must stand below its [section]");
        return 0;
    }
    enum rc rc;
    if (key == NULL) {
        rc = why_fail(reading->why, RC_UNKNOWN_KEY, NULL, "there is no such key; licitd --print-config lists them");
    } else if (reading->seen[key - config_keys]) {
        rc = why_fail(reading->why, RC_DUPLICATE_KEY, NULL, "the key is given twice");
    } else {
        reading->seen[key - config_keys] = true;
        rc = set_key(reading->config, key, value, reading->why);
    }
    if (rc != RC_OK) {
        reading->rc = why_under(reading->why, rc, "%s:%d: %s.%s", reading->name, reading->line, section, name);
    }
    return rc == RC_OK;
}

enum rc config_read(struct config *config, FILE *file, const char *name, struct why *why)
{
    static_assert(COUNT_OF(config_keys) <= KEYS_MAX, "every key has its place in seen");
    struct reading reading = { .config = config, .file = file, .name = name, .why = why };
    const int bad = ini_parse_stream(next_line, &reading, take_pair, &reading);
    if (reading.rc == RC_OK && bad != 0) {
        reading.line = bad > 0 ? bad : reading.line;
        fail(&reading, bad == -2 ? RC_NO_MEMORY : RC_SYNTAX, "the line is neither [section] nor key = value");
    }
    return reading.rc;
}

static void print_value(const struct config *config, const struct config_key *key, FILE *out)
{
    const char *place = (const char *)config + key->offset;
    const int64_t n = key->kind == CONFIG_TEXT || key->kind == CONFIG_SWITCH ? 0 : *(const int64_t *)(const void *)place;
    switch (key->kind) {
    case CONFIG_TEXT: fprintf(out, "%s\n", *(const char *const *)(const void *)place); break;
    case CONFIG_SWITCH: fprintf(out, "%s\n", *(const bool *)place ? "yes" : "no"); break;
    case CONFIG_LEVEL: fprintf(out, "%s\n", level_names[n]); break;
    case CONFIG_TIME: fprintf(out, "%" PRId64 "%s\n", n % SECOND == 0 ? n / SECOND : n, n % SECOND == 0 ? "s" : "ms"); break;
    case CONFIG_BYTES:
        if (n % M == 0) {
            fprintf(out, "%" PRId64 "M\n", n / M);
        } else {
            fprintf(out, "%" PRId64 "\n", n);
        }
        break;
    case CONFIG_COUNT: fprintf(out, "%" PRId64 "\n", n); break;
    }
}

void config_print(const struct config *config, FILE *out)
{
    const char *section = "";
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        if (strcmp(section, key->section) != 0) {
            fprintf(out, "%s[%s]\n", section[0] == '\0' ? "" : "\n", key->section);
            section = key->section;
        }
        fprintf(out, "# %s Default: %s\n%s = ", key->about, key->fallback[0] == '\0' ? "empty" : key->fallback, key->name);
        print_value(config, key, out);
    }
}
