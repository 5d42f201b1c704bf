/* SPDX-License-Identifier: Apache-2.0 */
#include "api/url.h"

#include <string.h>
#include <strings.h>

#include "core/base/str.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum rc refuse(struct why *why, const char *text)
{
    return why_fail(why, RC_INVALID, "target", "%s", text);
}

/* One percent escape at text[1]; -1: broken. */
static int escape_value(const char *text, size_t n)
{
    if (n < 3) {
        return -1;
    }
    const int high = hex_value(text[1]), low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static enum rc decode(const char *text, size_t n, bool in_path, struct region *region, char **ret, struct why *why)
{
    char *out = region_alloc(region, n + 1, 1);
    if (out == NULL) {
        return RC_NO_MEMORY;
    }
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            c = escape_value(text + i, n - i);
            i += 2;
            if (c < 0) {
                return refuse(why, "a percent sign must be followed by two hexadecimal digits");
            }
            if (c < 0x20 || c == 0x7f || (in_path && (c == '/' || c == '\\'))) {
                return refuse(why, "must not hide separators or control characters in percent escapes");
            }
        } else if (c == '+' && !in_path) {
            c = ' ';
        }
        out[used++] = (char)c;
    }
    if (!str_is_utf8(out, used)) {
        return refuse(why, "must be UTF-8");
    }
    *ret = out;
    return RC_OK;
}

static enum rc check_segments(const char *path, struct why *why)
{
    for (const char *at = path; *at != '\0';) {
        const size_t n = strcspn(at + 1, "/");
        const char *segment = at + 1;
        if ((n == 0 && segment[0] == '/') || (n == 1 && segment[0] == '.') || (n == 2 && strncmp(segment, "..", 2) == 0)) {
            return refuse(why, "must not hold empty, \".\" or \"..\" segments");
        }
        at = segment + n;
    }
    return RC_OK;
}

static enum rc read_pair(const char *text, size_t n, struct region *region, struct doc *out, struct why *why)
{
    const char *equals = memchr(text, '=', n);
    const size_t key_size = equals == NULL ? n : (size_t)(equals - text);
    const size_t value_size = equals == NULL ? 0 : n - key_size - 1;
    char *key, *value;
    enum rc rc = decode(text, key_size, false, region, &key, why);
    rc = rc != RC_OK ? rc : decode(text + n - value_size, value_size, false, region, &value, why);
    if (rc != RC_OK) {
        return rc;
    }
    if (key[0] == '\0') {
        return refuse(why, "a query parameter must have a name");
    }
    if (doc_get(out, key) != NULL) {
        return why_fail(why, RC_DUPLICATE_KEY, "query", "the parameter \"%.40s\" is given twice", key);
    }
    return doc_put_string(out, key, value);
}

static enum rc read_query(const char *text, struct region *region, struct url *out, struct why *why)
{
    out->query = doc_new_object();
    enum rc rc = out->query == NULL ? RC_NO_MEMORY : RC_OK;
    while (rc == RC_OK && *text != '\0') {
        const size_t n = strcspn(text, "&");
        if (doc_count(out->query) >= URL_KEYS_MAX) {
            return why_fail(why, RC_TOO_LARGE, "query", "at most %d parameters are read", URL_KEYS_MAX);
        }
        rc = n == 0 ? refuse(why, "a query parameter must have a name") : read_pair(text, n, region, out->query, why);
        text += n;
        if (rc == RC_OK && *text == '&') {
            text++;
        }
    }
    return rc;
}

/* What stands behind "http://" or "https://"; NULL: neither is there. */
static const char *skip_scheme(const char *raw)
{
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        if (strncasecmp(raw, schemes[i], strlen(schemes[i])) == 0) {
            return raw + strlen(schemes[i]);
        }
    }
    return NULL;
}

enum rc url_cut_origin(const char *raw, const char *host, struct region *region, const char **ret, struct why *why)
{
    const char *authority = skip_scheme(raw);
    if (authority == NULL) {
        *ret = raw;
        return RC_OK;
    }
    const size_t n = strcspn(authority, "/?#");
    if (strlen(host) != n || strncasecmp(authority, host, n) != 0) {
        return refuse(why, "must name the host that the header Host names");
    }
    *ret = authority[n] == '/' ? authority + n : region_printf(region, "/%s", authority + n);
    return *ret == NULL ? RC_NO_MEMORY : RC_OK;
}

enum rc url_parse(const char *raw, struct region *region, struct url *ret, struct why *why)
{
    if (strlen(raw) > URL_BYTES_MAX) {
        return why_fail(why, RC_URI_TOO_LONG, "target", "must be at most %d bytes", URL_BYTES_MAX);
    }
    for (const char *c = raw; *c != '\0'; c++) {
        if (*c <= 0x20 || *c >= 0x7f || *c == '#' || *c == '\\') {
            return refuse(why, "must be visible ASCII without '#' and backslash");
        }
    }
    if (raw[0] != '/') {
        return refuse(why, "must begin with /");
    }
    AUTO(url) struct url out = { NULL, NULL };
    const size_t n = strcspn(raw, "?");
    char *path;
    enum rc rc = decode(raw, n, true, region, &path, why);
    rc = rc != RC_OK ? rc : check_segments(path, why);
    if (rc == RC_OK && raw[n] == '?') {
        rc = read_query(raw + n + 1, region, &out, why);
    }
    if (rc == RC_OK) {
        out.path = path;
        *ret = out;
        out.query = NULL;
    }
    return rc;
}

void url_finish(struct url *url)
{
    doc_destroy(url->query);
    url->query = NULL;
}

/* A query value is text; the field's kind says as what it is read. */
static struct doc *typed_value(const struct field *fields, const char *key, const char *text)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        int64_t integer;
        bool yes;
        if (strcmp(field->name, key) != 0) {
            continue;
        }
        if (field->kind == FIELD_INTEGER && str_to_int64(text, &integer)) {
            return doc_new_integer(integer);
        }
        if (field->kind == FIELD_BOOLEAN && str_to_bool(text, &yes)) {
            return doc_new_boolean(yes);
        }
    }
    return doc_new_string(text);
}

enum rc url_query(const struct url *url, const struct schema *schema, struct region *region,
                  void **ret, struct why *why)
{
    static const struct field none[] = { { .name = NULL } };
    static const struct schema nothing = { "NoQuery", "No query parameters.", sizeof(int), none, false };
    const struct schema *reader = schema != NULL ? schema : &nothing;
    AUTO_PTR(doc) struct doc *typed = doc_new_object();
    for (struct doc_pair p = { 0 }; doc_next(url->query, &p);) {
        if (doc_put(typed, p.key, typed_value(reader->fields, p.key, doc_string(p.value))) != RC_OK) {
            return RC_NO_MEMORY;
        }
    }
    void *out = region_alloc(region, 1, reader->size);
    if (out == NULL || typed == NULL) {
        return RC_NO_MEMORY;
    }
    if (schema == NULL && doc_count(typed) > 0) {
        struct doc_pair first = { 0 };
        (void)doc_next(typed, &first); /* there is one */
        return why_fail(why, RC_UNKNOWN_KEY, "query", "takes no parameters, got \"%.40s\"", first.key);
    }
    const enum rc rc = schema_read(reader, typed, region, out, why);
    if (rc != RC_OK) {
        return why_under(why, rc, "query");
    }
    *ret = schema != NULL ? out : NULL;
    return RC_OK;
}
