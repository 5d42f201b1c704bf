/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/http_reader.h"

#include <string.h>
#include <strings.h>

/* What is left to read. */
struct cursor {
    const char *at, *end;
};

struct head {
    size_t hosts, lengths, codings, authorizations;
    bool good, chunked, closes;
    uint64_t length;
    struct http_text authorization;
};

uint32_t http_sum(uint32_t sum, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum = sum * 31u + (unsigned char)bytes[i] + 1u;
    }
    return sum;
}

/* Up to CR LF, which is consumed; a bare LF or CR ends nothing and is a control character to the caller. */
static bool take_line(struct cursor *cursor, struct http_text *ret)
{
    const char *end = cursor->at == cursor->end ? NULL : memmem(cursor->at, (size_t)(cursor->end - cursor->at), "\r\n", 2);
    if (end == NULL) {
        return false;
    }
    *ret = (struct http_text){ cursor->at, (size_t)(end - cursor->at) };
    cursor->at = end + 2;
    return true;
}

static bool is_token(struct http_text text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.at[i];
        const bool letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!letter && (c == '\0' || strchr(marks, c) == NULL)) {
            return false;
        }
    }
    return text.n > 0;
}

static bool is_visible(struct http_text text, bool blanks)
{
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        if (c == 0x7f || (c < 0x20 && !(blanks && c == '\t')) || (c == ' ' && !blanks)) {
            return false;
        }
    }
    return true;
}

static bool is(struct http_text text, const char *word)
{
    return text.n == strlen(word) && strncasecmp(text.at, word, text.n) == 0;
}

/* Digits of a base; false: none, another character, or too large. */
static bool read_number(struct http_text text, unsigned base, uint64_t *ret)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.at[i], low = (char)(c | 0x20);
        const unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : low >= 'a' && low <= 'f' ? (unsigned)(low - 'a') + 10
                                                                                                     : 16;
        if (digit >= base || __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, digit, &n)) {
            return false;
        }
    }
    *ret = n;
    return text.n > 0 && n <= INT64_MAX;
}

static void take_header(struct head *head, struct http_text line)
{
    const char *colon = memchr(line.at, ':', line.n);
    if (colon == NULL) {
        head->good = false;
        return;
    }
    const struct http_text name = { line.at, (size_t)(colon - line.at) };
    struct http_text value = { colon + 1, line.n - name.n - 1 };
    while (value.n > 0 && (value.at[0] == ' ' || value.at[0] == '\t')) {
        value = (struct http_text){ value.at + 1, value.n - 1 };
    }
    while (value.n > 0 && (value.at[value.n - 1] == ' ' || value.at[value.n - 1] == '\t')) {
        value.n--;
    }
    head->good = head->good && is_token(name) && is_visible(value, true);
    if (is(name, "host")) {
        head->hosts++;
    } else if (is(name, "content-length")) {
        head->lengths++;
        head->good = head->good && read_number(value, 10, &head->length);
    } else if (is(name, "transfer-encoding")) {
        head->codings++;
        head->chunked = is(value, "chunked");
        head->good = head->good && head->chunked;
    } else if (is(name, "authorization")) {
        head->authorizations++;
        head->authorization = value;
    } else if (is(name, "connection")) {
        head->closes = is(value, "close");
    }
}

static bool take_request_line(struct http_text line, struct http_request *ret)
{
    const char *first = memchr(line.at, ' ', line.n), *last = memrchr(line.at, ' ', line.n);
    if (first == NULL || last == first) {
        return false;
    }
    ret->method = (struct http_text){ line.at, (size_t)(first - line.at) };
    ret->target = (struct http_text){ first + 1, (size_t)(last - first - 1) };
    const struct http_text version = { last + 1, line.n - (size_t)(last - line.at) - 1 };
    return is_token(ret->method) && is_visible(ret->target, false) && (is(version, "HTTP/1.1") || is(version, "HTTP/1.0"));
}

/*
 * A line of the chunked framing. libmicrohttpd ends it at a bare LF too and shows the door the decoded body alone,
 * so this reader has to do the same: the one place where it is not narrow. Nor does it look into extensions.
 */
static bool take_framing_line(struct cursor *cursor, struct http_text *ret)
{
    const char *end = memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at));
    if (end == NULL) {
        return false;
    }
    *ret = (struct http_text){ cursor->at, (size_t)(end - cursor->at) };
    ret->n -= ret->n > 0 && end[-1] == '\r';
    cursor->at = end + 1;
    return true;
}

/*
 * A line of a head as libmicrohttpd 0.9.75 leaves it: it overwrites what ends lines and names with NULs, so that a NUL
 * in the place of a CR cannot be told from one, nor four bytes with NULs, bare LFs or a colon from the CR LF CR LF at the
 * end of the head. Everything else the door sees, and refuses. *ret_last: the head ended with the line.
 */
static bool take_head_line(struct cursor *cursor, struct http_text *ret, bool *ret_last)
{
    for (const char *at = cursor->at; cursor->end - at >= 2; at++) {
        if (*at != '\r' && *at != '\n' && *at != '\0') {
            continue;
        }
        const bool ends_line = (at[0] == '\r' || at[0] == '\0') && at[1] == '\n';
        const bool four = cursor->end - at >= 4 && at[3] == '\n';
        const bool after_line = ends_line && four && (at[2] == '\r' || at[2] == ':' || at[2] == '\0');
        const bool after_lf = at[0] == '\n' && four && (at[1] == ':' || at[1] == '\0') && at[2] != '\n';
        const bool after_nul = at[0] == '\0' && four && at[1] != '\n' && at[2] == '\n';
        *ret_last = after_line || after_lf || after_nul;
        if (*ret_last || ends_line) {
            *ret = (struct http_text){ cursor->at, (size_t)(at - cursor->at) };
            cursor->at = at + (*ret_last ? 4 : 2);
            return true;
        }
    }
    return false;
}

/* The headers of a reply, to the empty line, which is consumed. */
static bool take_headers(struct cursor *cursor, struct head *head)
{
    struct http_text line;
    head->good = true;
    while (take_line(cursor, &line)) {
        if (line.n == 0) {
            return head->good;
        }
        take_header(head, line);
    }
    return false;
}

/* The lines of a request's head behind the first. */
static bool take_head(struct cursor *cursor, bool last, struct head *head)
{
    struct http_text line;
    head->good = true;
    while (!last) {
        if (!take_head_line(cursor, &line, &last)) {
            return false;
        }
        take_header(head, line);
    }
    return head->good;
}

/* Nobody looks into trailers, but they must not say again what a head says of the request. */
static bool take_trailers(struct cursor *cursor)
{
    struct http_text line;
    struct head head = { 0 };
    while (take_framing_line(cursor, &line)) {
        if (line.n == 0) {
            return head.hosts + head.lengths + head.codings + head.authorizations == 0;
        }
        take_header(&head, line);
    }
    return false;
}

static bool take_bytes(struct cursor *cursor, uint64_t n, struct http_request *request)
{
    if (n > (uint64_t)(cursor->end - cursor->at)) {
        return false;
    }
    request->body_sum = http_sum(request->body_sum, cursor->at, n);
    request->body_bytes += n;
    cursor->at += n;
    return true;
}

/* To the chunk of size 0. */
static bool take_chunks(struct cursor *cursor, struct http_request *request)
{
    struct http_text line;
    for (;;) {
        uint64_t n;
        if (!take_framing_line(cursor, &line)) {
            return false;
        }
        const char *semicolon = memchr(line.at, ';', line.n);
        struct http_text size = { line.at, semicolon == NULL ? line.n : (size_t)(semicolon - line.at) };
        /* RFC 9112, 7.1.1: blanks before an extension; libmicrohttpd takes them without one too. */
        while (size.n > 0 && size.at[size.n - 1] == ' ') {
            size.n--;
        }
        if (!read_number(size, 16, &n) || !take_bytes(cursor, n, request)) {
            return false;
        }
        if (n == 0) {
            return true;
        }
        if (!take_framing_line(cursor, &line) || line.n != 0) {
            return false;
        }
    }
}

/* Up to its trailers. */
static bool take_request(struct cursor *cursor, struct http_request *ret)
{
    struct http_text line;
    struct head head = { 0 };
    bool last = false;
    *ret = (struct http_request){ 0 };
    if (!take_head_line(cursor, &line, &last) || !take_request_line(line, ret) || !take_head(cursor, last, &head)) {
        return false;
    }
    if (head.hosts != 1 || head.lengths + head.codings > 1 || head.authorizations > 1) {
        return false;
    }
    ret->authorization = head.authorization;
    ret->chunked = head.chunked;
    return head.chunked ? take_chunks(cursor, ret) : take_bytes(cursor, head.length, ret);
}

/*
 * Before a request they are passed over: nothing stands in them. What is one is said as libmicrohttpd says it, which
 * goes on before the door is asked: ended by LF alone too, or beginning with a NUL.
 */
static void pass_empty_lines(struct cursor *cursor)
{
    for (bool more = true; more;) {
        const size_t left = (size_t)(cursor->end - cursor->at);
        const char *end = left == 0 ? NULL : memchr(cursor->at, '\n', left);
        more = end != NULL && (end == cursor->at || *cursor->at == '\0' || (end == cursor->at + 1 && *cursor->at == '\r'));
        cursor->at = more ? end + 1 : cursor->at;
    }
}

void http_read(const char *bytes, size_t n, struct http_stream *ret)
{
    struct cursor cursor = { bytes, bytes + n };
    *ret = (struct http_stream){ .count = 0 };
    bool more = true;
    while (more && ret->count < HTTP_REQUESTS_MAX) {
        struct http_request *request = &ret->requests[ret->count];
        pass_empty_lines(&cursor);
        struct cursor next = cursor;
        more = cursor.at < cursor.end && take_request(&next, request);
        ret->possible += more;
        if (more && (!request->chunked || take_trailers(&next))) {
            cursor = next;
            ret->count++;
        }
        more = more && !request->chunked;
    }
    ret->clean = cursor.at == cursor.end;
}

void http_read_replies(const char *bytes, size_t n, const struct http_stream *stream, struct http_replies *ret)
{
    struct cursor cursor = { bytes, n == 0 ? bytes : bytes + n }; /* nothing may have come: NULL */
    *ret = (struct http_replies){ 0 };
    for (;;) {
        struct cursor next = cursor;
        struct http_text line;
        struct head head = { 0 };
        struct http_request body = { 0 };
        if (!take_line(&next, &line) || line.n < 12 || strncmp(line.at, "HTTP/1.1 ", 9) != 0 || !take_headers(&next, &head)) {
            break;
        }
        const bool interim = line.at[9] == '1';
        const bool empty = interim || (ret->count < stream->count && is(stream->requests[ret->count].method, "HEAD"));
        if (!empty && !(head.chunked ? take_chunks(&next, &body) && take_trailers(&next) : take_bytes(&next, head.length, &body))) {
            break;
        }
        cursor = next;
        ret->count += !interim;
        ret->closes = head.closes;
    }
    ret->trailing = cursor.at != cursor.end;
}
