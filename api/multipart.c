/* SPDX-License-Identifier: Apache-2.0 */
#include "api/multipart.h"

#include <string.h>
#include <strings.h>

/*
 * The delimiter is CR LF "--" boundary. CR stands only at its start, so when a
 * comparison fails after k bytes, those k are data and the next try can begin
 * at the present byte at the earliest: no backtracking, no buffer.
 */

enum place {
    BEFORE,    /* the first boundary: bytes are thrown away */
    AFTER_TWO, /* just after a delimiter: "--" closes, else blanks and CR LF */
    PADDING,   /* blanks up to CR LF */
    HEADERS,
    DATA,
    CLOSED,
};

struct multipart {
    struct multipart_events events;
    char delimiter[MULTIPART_BOUNDARY_MAX + 5];
    size_t delimiter_size;
    enum place place;
    size_t matched; /* bytes of the delimiter that have been seen */
    size_t outside;
    int parts;
    enum rc failed;
    char tail[2]; /* of AFTER_TWO and PADDING */
    size_t tail_size;
    char headers[MULTIPART_HEADERS_MAX + 1];
    size_t headers_size;
};

static bool is_boundary(const char *text, size_t n)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'()+_,-./:=? ";
    if (n == 0 || n > MULTIPART_BOUNDARY_MAX || text[n - 1] == ' ') {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\0' || strchr(allowed, text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* One value, a token or a quoted string, copied into out (NULL: skipped); *text stands behind it. */
static enum rc read_value(const char **text, char *out, size_t size)
{
    const char *c = *text;
    size_t n = 0;
    const bool quoted = *c == '"';
    c += quoted;
    while (*c != '\0' && (quoted ? *c != '"' : strchr("; \t", *c) == NULL)) {
        c += quoted && *c == '\\' && (c[1] == '"' || c[1] == '\\');
        if (out != NULL && n + 1 >= size) {
            return RC_TOO_LARGE;
        }
        if (out != NULL) {
            out[n] = *c;
        }
        n++;
        c++;
    }
    if ((quoted && *c != '"') || (!quoted && n == 0)) {
        return RC_SYNTAX;
    }
    if (out != NULL) {
        out[n] = '\0';
    }
    *text = c + quoted;
    return RC_OK;
}

/*
 * Parameters of a header: ; name=token or ; name="quoted". Copies the value of
 * `name` into out. RC_NOT_FOUND, RC_SYNTAX (malformed or given twice), RC_TOO_LARGE.
 */
static enum rc get_parameter(const char *header, const char *name, char *out, size_t size)
{
    bool found = false;
    const char *c = header + strcspn(header, ";");
    while (*c == ';') {
        c += 1 + strspn(c + 1, " \t");
        const size_t n = strcspn(c, "=; \t");
        const bool wanted = n == strlen(name) && strncasecmp(c, name, n) == 0;
        if (n == 0 || c[n] != '=' || (wanted && found)) {
            return RC_SYNTAX;
        }
        c += n + 1;
        const enum rc rc = read_value(&c, wanted ? out : NULL, size);
        if (rc != RC_OK) {
            return rc;
        }
        found = found || wanted;
        c += strspn(c, " \t");
    }
    if (*c != '\0') {
        return RC_SYNTAX;
    }
    return found ? RC_OK : RC_NOT_FOUND;
}

static bool is_kind(const char *header, const char *kind)
{
    const size_t n = strcspn(header, "; \t");
    return n == strlen(kind) && strncasecmp(header, kind, n) == 0;
}

enum rc multipart_create(const char *content_type, const struct multipart_events *events,
                         struct multipart **ret, struct why *why)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 2];
    if (content_type == NULL || !is_kind(content_type, "multipart/form-data")) {
        return why_fail(why, RC_UNSUPPORTED, "header:Content-Type", "must be multipart/form-data with a boundary");
    }
    if (get_parameter(content_type, "boundary", boundary, sizeof(boundary)) != RC_OK || !is_boundary(boundary, strlen(boundary))) {
        return why_fail(why, RC_INVALID, "header:Content-Type", "must name one boundary of 1 to %d characters", MULTIPART_BOUNDARY_MAX);
    }
    struct multipart *it = mem_alloc(sizeof(*it));
    if (it == NULL) {
        return RC_NO_MEMORY;
    }
    it->events = *events;
    memcpy(it->delimiter, "\r\n--", 4);
    memcpy(it->delimiter + 4, boundary, strlen(boundary));
    it->delimiter_size = 4 + strlen(boundary);
    it->matched = 2; /* a body may begin with the boundary itself, without the line end before it */
    *ret = it;
    return RC_OK;
}

void multipart_destroy(struct multipart *multipart)
{
    mem_free(multipart);
}

static enum rc refuse(struct why *why, const char *text)
{
    return why_fail(why, RC_SYNTAX, NULL, "the multipart body %s", text);
}

/* The value of one header of the part in place; NULL: absent. *ret_rc tells of a second one. */
static char *find_header(struct multipart *it, const char *name, enum rc *ret_rc)
{
    char *found = NULL;
    for (char *line = it->headers; *line != '\0'; line += strlen(line) + 1) {
        const size_t n = strcspn(line, ":");
        if (n == strlen(name) && strncasecmp(line, name, n) == 0) {
            *ret_rc = found != NULL ? RC_SYNTAX : *ret_rc;
            found = line + n + 1;
            found += strspn(found, " \t");
        }
    }
    return found;
}

/* Lines become strings, closed by an empty one. */
static enum rc split_headers(struct multipart *it, struct why *why)
{
    char *end = it->headers + it->headers_size;
    for (char *line = it->headers; line < end;) {
        char *stop = memchr(line, '\r', (size_t)(end - line));
        if (stop == NULL || stop[1] != '\n' || stop == line || line[strcspn(line, ": \t\r")] != ':' || line[0] == ':') {
            return refuse(why, "holds a part header that is not name: value");
        }
        for (const char *c = line; c < stop; c++) {
            if ((unsigned char)*c < 0x20 && *c != '\t') {
                return refuse(why, "holds a control character in a part header");
            }
        }
        stop[0] = '\0';
        line = stop + 2;
        /* The line feed is left out, so that the strings stand one after the other. */
        memmove(stop + 1, line, (size_t)(end - line) + 1);
        line--;
        end--;
    }
    *end = '\0';
    return RC_OK;
}

static enum rc check_encoding(struct multipart *it, struct why *why)
{
    enum rc rc = RC_OK;
    const char *coding = find_header(it, "Content-Transfer-Encoding", &rc);
    if (coding != NULL && !is_kind(coding, "binary") && !is_kind(coding, "8bit") && !is_kind(coding, "7bit")) {
        return why_fail(why, RC_UNSUPPORTED, NULL, "a part's Content-Transfer-Encoding must be binary, 8bit or 7bit");
    }
    return rc != RC_OK ? refuse(why, "holds a part header twice") : RC_OK;
}

static enum rc begin_part(struct multipart *it, struct why *why)
{
    char name[MULTIPART_NAME_MAX + 1], filename[MULTIPART_FILENAME_MAX + 1];
    if (++it->parts > MULTIPART_PARTS_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "a multipart body may have at most %d parts", MULTIPART_PARTS_MAX);
    }
    enum rc rc = split_headers(it, why);
    rc = rc != RC_OK ? rc : check_encoding(it, why);
    if (rc != RC_OK) {
        return rc;
    }
    const char *disposition = find_header(it, "Content-Disposition", &rc);
    const char *type = find_header(it, "Content-Type", &rc);
    if (rc != RC_OK || disposition == NULL || !is_kind(disposition, "form-data")) {
        return refuse(why, "must give each part one Content-Disposition: form-data");
    }
    if (get_parameter(disposition, "name", name, sizeof(name)) != RC_OK || name[0] == '\0') {
        return refuse(why, "must name each part");
    }
    rc = get_parameter(disposition, "filename", filename, sizeof(filename));
    if (rc != RC_OK && rc != RC_NOT_FOUND) {
        return refuse(why, "holds a filename that cannot be read");
    }
    const struct multipart_part part = { name, rc == RC_OK ? filename : NULL, type };
    it->place = DATA;
    it->matched = 0;
    return it->events.begin(it->events.arg, &part, why);
}

/* One byte after a delimiter. */
static enum rc take_tail(struct multipart *it, char c, struct why *why)
{
    it->tail[it->tail_size++] = c;
    if (it->tail_size == 1) {
        if ((c == ' ' || c == '\t') && ++it->outside <= MULTIPART_OUTSIDE_MAX) {
            it->tail_size = 0;
            it->place = PADDING;
            return RC_OK;
        }
        return c == '\r' || (c == '-' && it->place == AFTER_TWO) ? RC_OK : refuse(why, "goes on with something else after a boundary");
    }
    if (it->tail[0] == '-' && c == '-') {
        it->place = CLOSED;
    } else if (it->tail[0] == '\r' && c == '\n') {
        it->place = HEADERS;
        it->headers_size = 0;
    } else {
        return refuse(why, "goes on with something else after a boundary");
    }
    it->tail_size = 0;
    return RC_OK;
}

static enum rc take_header(struct multipart *it, char c, struct why *why)
{
    if (it->headers_size == MULTIPART_HEADERS_MAX) {
        return why_fail(why, RC_TOO_LARGE, NULL, "the headers of a part may be at most %d bytes", MULTIPART_HEADERS_MAX);
    }
    it->headers[it->headers_size++] = c;
    const size_t n = it->headers_size;
    if (n == 2 && memcmp(it->headers, "\r\n", 2) == 0) {
        return refuse(why, "must give each part one Content-Disposition: form-data");
    }
    if (n < 4 || memcmp(it->headers + n - 4, "\r\n\r\n", 4) != 0) {
        return RC_OK;
    }
    it->headers_size = n - 2;
    it->headers[it->headers_size] = '\0';
    return begin_part(it, why);
}

/* Bytes that turned out to be no delimiter. */
static enum rc give(struct multipart *it, const char *bytes, size_t n, struct why *why)
{
    if (n == 0) {
        return RC_OK;
    }
    if (it->place == DATA) {
        return it->events.bytes(it->events.arg, bytes, n, why);
    }
    it->outside += n;
    return it->outside > MULTIPART_OUTSIDE_MAX ? why_fail(why, RC_TOO_LARGE, NULL, "the multipart body begins with too much that is no part") : RC_OK;
}

/* Reads data up to and with the next delimiter; *ret_used bytes are done. */
static enum rc take_data(struct multipart *it, const char *bytes, size_t n, size_t *ret_used, struct why *why)
{
    size_t i = 0;
    enum rc rc = RC_OK;
    while (i < n && rc == RC_OK && (it->place == DATA || it->place == BEFORE)) {
        if (it->matched == 0) {
            const char *cr = memchr(bytes + i, '\r', n - i);
            const size_t plain = cr == NULL ? n - i : (size_t)(cr - (bytes + i));
            rc = give(it, bytes + i, plain, why);
            i += plain;
            it->matched = cr != NULL;
            i += cr != NULL;
        } else if (bytes[i] == it->delimiter[it->matched]) {
            i++;
            it->matched++;
        } else { /* the byte itself is looked at again */
            const size_t seen = it->matched;
            it->matched = 0;
            rc = give(it, it->delimiter, seen, why);
        }
        if (rc == RC_OK && it->matched == it->delimiter_size) {
            rc = it->place == DATA ? it->events.end(it->events.arg, why) : RC_OK;
            it->place = AFTER_TWO;
            it->matched = 0;
        }
    }
    *ret_used = i;
    return rc;
}

static enum rc push(struct multipart *it, const char *bytes, size_t n, struct why *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; i < n && rc == RC_OK;) {
        size_t used = 1;
        switch (it->place) {
        case AFTER_TWO:
        case PADDING: rc = take_tail(it, bytes[i], why); break;
        case HEADERS: rc = take_header(it, bytes[i], why); break;
        case CLOSED:
            it->outside += n - i;
            used = n - i;
            rc = it->outside > MULTIPART_OUTSIDE_MAX ? refuse(why, "goes on after its closing boundary") : RC_OK;
            break;
        case BEFORE:
        case DATA: rc = take_data(it, bytes + i, n - i, &used, why); break;
        }
        i += used;
    }
    return rc;
}

enum rc multipart_push(struct multipart *multipart, const char *bytes, size_t n, struct why *why)
{
    if (multipart->failed == RC_OK) {
        multipart->failed = push(multipart, bytes, n, why);
    }
    return multipart->failed;
}

enum rc multipart_finish(struct multipart *multipart, struct why *why)
{
    if (multipart->failed != RC_OK) {
        return multipart->failed;
    }
    return multipart->place == CLOSED ? RC_OK : refuse(why, "ends before its closing boundary");
}
