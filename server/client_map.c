/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_map.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/id.h"
#include "core/base/str.h"

#define BLANKS       " \t"
#define SHA256_CHARS 64

struct row {
    enum client_map_kind kind;
    size_t line;
    const char *value, *token; /* in the text */
};

struct client_map {
    char *text; /* the file, cut into words by NULs */
    struct row *rows;
    size_t count;
};

static const char *const kind_names[CLIENT_MAP_KINDS] = { "sha256:", "uri:", "name:" };

static enum rc fail(struct why *why, enum rc rc, const char *file, size_t line, const char *words)
{
    (void)why_fail(why, rc, NULL, "%s", words);
    return why_under(why, rc, "%s:%zu", file, line);
}

/* What may stand behind the kind. */
static bool is_value(enum client_map_kind kind, const char *value)
{
    const size_t n = strlen(value);
    if (kind == CLIENT_MAP_SHA256) {
        return n == SHA256_CHARS && strspn(value, "0123456789abcdef") == n;
    }
    return n > 0 && n <= CLIENT_MAP_VALUE_MAX && str_is_utf8(value, n);
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

/* One line that is neither empty nor a comment, without blanks at its ends; it is cut in two. */
static enum rc read_row(char *line, struct row *ret, const char **ret_words)
{
    struct row row = *ret;
    for (row.kind = 0; row.kind < CLIENT_MAP_KINDS; row.kind++) {
        if (strncmp(line, kind_names[row.kind], strlen(kind_names[row.kind])) == 0) {
            break;
        }
    }
    if (row.kind == CLIENT_MAP_KINDS) {
        *ret_words = "must begin with sha256:, uri: or name:";
        return RC_INVALID;
    }
    char *value = line + strlen(kind_names[row.kind]), *end = value + strlen(value);
    while (end > value && strchr(BLANKS, end[-1]) == NULL) {
        end--;
    }
    row.token = end;
    while (end > value && strchr(BLANKS, end[-1]) != NULL) {
        end--;
    }
    if (row.token == value || !id_is(row.token, "tok")) {
        *ret_words = "must end with a blank and the id of a token (tok-...)";
        return RC_INVALID;
    }
    *end = '\0';
    row.value = value;
    if (!is_value(row.kind, value)) {
        *ret_words = row.kind == CLIENT_MAP_SHA256 ? "must have 64 digits 0-9a-f behind sha256:" : "must have 1 to 512 bytes of UTF-8 before the token";
        return RC_INVALID;
    }
    *ret = row;
    return RC_OK;
}

static int compare(const void *a, const void *b)
{
    const struct row *one = a, *two = b;
    return one->kind != two->kind ? (one->kind < two->kind ? -1 : 1) : strcmp(one->value, two->value);
}

static char *trim(char *line)
{
    line += strspn(line, BLANKS);
    size_t n = strlen(line);
    if (n > 0 && line[n - 1] == '\r') { /* made by an editor that ends lines so */
        n--;
    }
    while (n > 0 && strchr(BLANKS, line[n - 1]) != NULL) {
        n--;
    }
    line[n] = '\0';
    return line;
}

static enum rc add_line(struct client_map *map, char *line, size_t number, const char *file, struct why *why)
{
    const char *words = "must hold no control characters";
    struct row row = { .line = number };
    line = trim(line);
    if (line[0] == '\0' || line[0] == '#') {
        return RC_OK;
    }
    const enum rc rc = has_control(line) ? RC_INVALID : read_row(line, &row, &words);
    if (rc != RC_OK) {
        return fail(why, rc, file, number, words);
    }
    map->rows[map->count++] = row;
    return RC_OK;
}

static enum rc check_doubles(const struct client_map *map, const char *file, struct why *why)
{
    for (size_t i = 1; i < map->count; i++) {
        const struct row *one = &map->rows[i - 1], *two = &map->rows[i];
        if (compare(one, two) == 0) {
            const size_t later = one->line > two->line ? one->line : two->line;
            return fail(why, RC_DUPLICATE_KEY, file, later, "gives a certificate a second token");
        }
    }
    return RC_OK;
}

static enum rc read_lines(struct client_map *map, size_t n, const char *file, struct why *why)
{
    size_t lines = 1;
    enum rc rc = RC_OK;
    for (size_t i = 0; i < n; i++) {
        lines += map->text[i] == '\n';
    }
    if (lines > CLIENT_MAP_LINES_MAX + 1) { /* the last one may be empty */
        return why_fail(why, RC_TOO_LARGE, file, "must have at most %d lines", CLIENT_MAP_LINES_MAX);
    }
    map->rows = mem_array(lines, sizeof(*map->rows));
    if (map->rows == NULL) {
        return RC_NO_MEMORY;
    }
    char *line = map->text;
    for (size_t number = 1; rc == RC_OK && number <= lines; number++) {
        char *next = line + strcspn(line, "\n");
        const bool last = *next == '\0';
        *next = '\0';
        rc = add_line(map, line, number, file, why);
        line = last ? next : next + 1;
    }
    if (rc == RC_OK && map->count > 0) {
        qsort(map->rows, map->count, sizeof(*map->rows), compare);
        rc = check_doubles(map, file, why);
    }
    return rc;
}

enum rc client_map_read(const char *text, size_t n, const char *file, struct client_map **ret, struct why *why)
{
    if (n > CLIENT_MAP_BYTES_MAX) {
        return why_fail(why, RC_TOO_LARGE, file, "must be at most %u bytes", CLIENT_MAP_BYTES_MAX);
    }
    if (n > 0 && memchr(text, '\0', n) != NULL) {
        return why_fail(why, RC_INVALID, file, "must be text without NULs");
    }
    AUTO_PTR(client_map) struct client_map *map = mem_alloc(sizeof(*map));
    if (map == NULL || (map->text = mem_strndup(n > 0 ? text : "", n)) == NULL) {
        return RC_NO_MEMORY;
    }
    const enum rc rc = read_lines(map, n, file, why);
    if (rc == RC_OK) {
        *ret = TAKE(map);
    }
    return rc;
}

const char *client_map_find(const struct client_map *map, enum client_map_kind kind, const char *value)
{
    const struct row wanted = { .kind = kind, .value = value };
    if (map == NULL || map->count == 0) {
        return NULL;
    }
    const struct row *row = bsearch(&wanted, map->rows, map->count, sizeof(*map->rows), compare);
    return row == NULL ? NULL : row->token;
}

void client_map_destroy(struct client_map *map)
{
    if (map != NULL) {
        mem_free(map->rows);
        mem_free(map->text);
        mem_free(map);
    }
}
