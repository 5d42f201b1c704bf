/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <assert.h>
#include <string.h>

#include <ini.h>

#include "core/base/str.h"
#include "server/config_value.h"

#define CONFIG_BYTES_ALL (1 << 20) /* of all values together */
#define SECTION_MAX      50        /* bytes of a section's name that libinih keeps, its NUL included */

static_assert(sizeof(CONFIG_LISTENER " ") + CONFIG_NAME_MAX <= SECTION_MAX, "the name of a listener comes whole");

static const struct config_key *find_key(const char *section, size_t section_size, const char *name)
{
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        if (strlen(key->section) == section_size && memcmp(key->section, section, section_size) == 0 && strcmp(key->name, name) == 0) {
            return key;
        }
    }
    return NULL;
}

static bool is_of_listener(const struct config_key *key)
{
    return strcmp(key->section, CONFIG_LISTENER) == 0;
}

/* Defaults of the keys that stand in config, or of those of one listener. */
static enum rc set_defaults(struct config *config, struct config_listener *listener)
{
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        if (is_of_listener(key) != (listener != NULL)) {
            continue;
        }
        void *base = listener != NULL ? (void *)listener : (void *)config;
        const enum rc rc = config_value_set(&config->_region, base, key, key->fallback, NULL);
        MUST(rc == RC_OK || rc == RC_NO_MEMORY); /* a default is a good value */
        if (rc != RC_OK) {
            return rc;
        }
    }
    return RC_OK;
}

/* The listener of this name, made when it is not there. */
static enum rc find_listener(struct config *config, const char *name, size_t n, struct config_listener **ret, struct why *why)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (strlen(config->listeners[i].name) == n && memcmp(config->listeners[i].name, name, n) == 0) {
            *ret = &config->listeners[i];
            return RC_OK;
        }
    }
    struct config_listener *listener = &config->listeners[config->listener_count];
    if (config->listener_count == CONFIG_LISTENERS_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "there may be at most %d listeners", CONFIG_LISTENERS_MAX);
    }
    if (n > CONFIG_NAME_MAX) {
        return why_fail(why, RC_INVALID, NULL, "the name of a listener must be at most %d bytes", CONFIG_NAME_MAX);
    }
    memcpy(listener->name, name, n);
    listener->name[n] = '\0';
    if (!str_is_name(listener->name)) {
        return why_fail(why, RC_INVALID, NULL, "the name of a listener must be letters, digits, and . _ - inside");
    }
    const enum rc rc = set_defaults(config, listener);
    if (rc == RC_OK) {
        config->listener_count++;
        *ret = listener;
    }
    return rc;
}

static enum rc set_listener_key(struct config *config, const char *name, size_t n, const struct config_key *key,
                                const char *value, struct why *why)
{
    struct config_listener *listener;
    const enum rc rc = find_listener(config, name, n, &listener, why);
    return rc != RC_OK ? rc : config_value_set(&config->_region, listener, key, value, why);
}

enum rc config_init(struct config *config)
{
    struct config_listener *listener;
    *config = (struct config){ 0 };
    region_init(&config->_region, CONFIG_BYTES_ALL);
    enum rc rc = set_defaults(config, NULL);
    rc = rc != RC_OK ? rc : find_listener(config, "main", 4, &listener, NULL);
    if (rc != RC_OK) {
        config_finish(config);
    }
    return rc;
}

void config_finish(struct config *config)
{
    region_finish(&config->_region);
}

bool config_is_secure(const struct config *config, const struct config_listener *listener)
{
    return listener->tls == CONFIG_AS_OTHERS ? config->tls_enabled : listener->tls == CONFIG_YES;
}

/* "listener.NAME.key": a name may hold dots, a key does not. */
static bool split_listener(const char *name, const char **ret_listener, size_t *ret_n, const struct config_key **ret_key)
{
    const size_t skip = strlen(CONFIG_LISTENER ".");
    const char *last = strrchr(name, '.');
    if (strncmp(name, CONFIG_LISTENER ".", skip) != 0 || last <= name + skip) {
        return false;
    }
    *ret_listener = name + skip;
    *ret_n = (size_t)(last - name) - skip;
    *ret_key = find_key(CONFIG_LISTENER, strlen(CONFIG_LISTENER), last + 1);
    return *ret_key != NULL;
}

enum rc config_set(struct config *config, const char *name, const char *value, struct why *why)
{
    const char *dot = strchr(name, '.'), *listener;
    const struct config_key *key = dot == NULL ? NULL : find_key(name, (size_t)(dot - name), dot + 1);
    size_t n;
    enum rc rc;
    if (split_listener(name, &listener, &n, &key)) {
        rc = set_listener_key(config, listener, n, key, value, why);
    } else if (key == NULL || is_of_listener(key)) {
        return why_fail(why, RC_UNKNOWN_KEY, name, "is not a key; licitd --print-config lists them");
    } else {
        rc = config_value_set(&config->_region, config, key, value, why);
    }
    return rc == RC_OK ? rc : why_under(why, rc, "%s", name);
}

/* One reading of a file. libinih asks for lines and tells of pairs; the first failure stops both. */
struct reading {
    struct config *config;
    FILE *file;
    const char *name;
    int line;
    bool seen[CONFIG_KEYS_MAX];
    bool seen_of[CONFIG_LISTENERS_MAX][CONFIG_KEYS_MAX];
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

/* What stands behind "listener " in a section's name; NULL: it is no such section. */
static const char *name_of_listener(const char *section)
{
    const size_t skip = strlen(CONFIG_LISTENER " ");
    return strncmp(section, CONFIG_LISTENER " ", skip) == 0 ? section + skip : NULL;
}

/* A section is a listener from its first line on, with or without a key in it. */
static bool is_listener(struct reading *reading, const char *line, const char *end)
{
    const char *name = name_of_listener(line + 1);
    struct config_listener *listener;
    if (name == NULL || name > end) {
        return false;
    }
    const enum rc rc = find_listener(reading->config, name, (size_t)(end - name), &listener, reading->why);
    if (rc != RC_OK) {
        reading->rc = why_under(reading->why, rc, "%s:%d", reading->name, reading->line);
    }
    return true;
}

static bool is_section(struct reading *reading, const char *line)
{
    const char *end = strchr(line, ']');
    if (end == NULL || end[1 + strspn(end + 1, " \t\r\n")] != '\0') {
        return false;
    }
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        const size_t n = strlen(key->section);
        if (!is_of_listener(key) && (size_t)(end - line - 1) == n && memcmp(line + 1, key->section, n) == 0) {
            return true;
        }
    }
    return is_listener(reading, line, end);
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
    } else if (line[0] == '[' && !is_section(reading, line)) {
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

/* The key in its section, what it is set in, and where is noted that it was given; false: there is no such key. */
static bool find_place(struct reading *reading, const char *section, const char *name, const struct config_key **ret,
                       void **ret_base, bool **ret_seen)
{
    struct config *config = reading->config;
    const char *listener = name_of_listener(section);
    const struct config_key *key = listener == NULL ? find_key(section, strlen(section), name)
                                                    : find_key(CONFIG_LISTENER, strlen(CONFIG_LISTENER), name);
    if (key == NULL) {
        return false;
    }
    *ret = key;
    *ret_base = config;
    *ret_seen = &reading->seen[key - config_keys];
    for (size_t i = 0; listener != NULL && i < config->listener_count; i++) {
        if (strcmp(config->listeners[i].name, listener) == 0) { /* one of them is: its section came before */
            *ret_base = &config->listeners[i];
            *ret_seen = &reading->seen_of[i][key - config_keys];
        }
    }
    return true;
}

static int take_pair(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *reading = arg;
    const struct config_key *key;
    void *base;
    bool *seen;
    if (reading->rc != RC_OK) {
        return 0;
    }
    if (section[0] == '\0') {
        fail(reading, RC_UNKNOWN_KEY, "a key must stand below its [section]");
        return 0;
    }
    enum rc rc;
    if (!find_place(reading, section, name, &key, &base, &seen)) {
        rc = why_fail(reading->why, RC_UNKNOWN_KEY, NULL, "there is no such key; licitd --print-config lists them");
    } else if (*seen) {
        rc = why_fail(reading->why, RC_DUPLICATE_KEY, NULL, "the key is given twice");
    } else {
        *seen = true;
        rc = config_value_set(&reading->config->_region, base, key, value, reading->why);
    }
    if (rc != RC_OK) {
        reading->rc = why_under(reading->why, rc, "%s:%d: %s.%s", reading->name, reading->line, section, name);
    }
    return rc == RC_OK;
}

enum rc config_read(struct config *config, FILE *file, const char *name, struct why *why)
{
    struct reading reading = { .config = config, .file = file, .name = name, .why = why };
    const int bad = ini_parse_stream(next_line, &reading, take_pair, &reading);
    if (reading.rc == RC_OK && bad != 0) {
        reading.line = bad > 0 ? bad : reading.line;
        fail(&reading, bad == -2 ? RC_NO_MEMORY : RC_SYNTAX, "the line is neither [section] nor key = value");
    }
    return reading.rc;
}

static void print_key(const void *base, const struct config_key *key, FILE *out)
{
    fprintf(out, "# %s Default: %s\n%s = ", key->about, key->fallback[0] == '\0' ? "empty" : key->fallback, key->name);
    config_value_print(base, key, out);
}

void config_print(const struct config *config, FILE *out)
{
    const char *section = "";
    for (const struct config_key *key = config_keys; key->section != NULL; key++) {
        if (is_of_listener(key)) {
            continue;
        }
        if (strcmp(section, key->section) != 0) {
            fprintf(out, "%s[%s]\n", section[0] == '\0' ? "" : "\n", key->section);
            section = key->section;
        }
        print_key(config, key, out);
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        fprintf(out, "\n[%s %s]\n", CONFIG_LISTENER, config->listeners[i].name);
        for (const struct config_key *key = config_keys; key->section != NULL; key++) {
            if (is_of_listener(key)) {
                print_key(&config->listeners[i], key, out);
            }
        }
    }
}
